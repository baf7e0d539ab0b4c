# What a tape holds.  The whole file is described in docs/format.md; `zstd -dc x.tape | capnp decode
# format/tape/tape.capnp Record` prints every record of it.
#
# Evolution: fields are only ever added, numbers never change their meaning, what is unknown is kept.
# Enumerations are UInt16 and text is Data, so that nothing unexpected makes a tape unreadable.

@0xd6b1f3a59c7e2a40;

# --- the stream of records, inside the zstd frames ---

struct Record {
  # `kind` says which one pointer is set.  A new kind appends a field here.
  kind @0 :UInt16;
  batch @1 :BatchHeader;     # 1: what follows, up to the next batch header
  events @2 :Events;         # 2
  payload @3 :Payload;       # 3; 10 when its texts are ordered by session
  metas @4 :Metas;           # 4
  gap @5 :Gap;               # 5
  clock @6 :Clock;           # 6
  note @7 :Note;             # 7
  verbatim @8 :Verbatim;     # 8
  origin @9 :Origin;         # 9
}

struct BatchHeader {
  checksum @0 :UInt64;       # XXH3-64 over this message, with this field zero, and the body
  tapeIdHigh @1 :UInt64;     # the tape's id, its first eight bytes big-endian
  tapeIdLow @2 :UInt64;
  bodyBytes @3 :UInt64;      # of the records that follow
  firstSequence @4 :UInt64;  # of the first event; 0 without events
  incompatible @5 :UInt64;   # the tape's flag words
  compatible @6 :UInt64;
  number @7 :UInt32;         # within the group, from 0
  group @8 :UInt32;          # within the tape, from 0
  eventCount @9 :UInt32;
  part @10 :UInt16;          # 0 everything; 1 all but payload and verbatim; 2 these two
}

struct Column {
  # Integers, one an event.  The narrowest list that holds them all is set; none: all are zero.
  u8 @0 :List(UInt8);
  u16 @1 :List(UInt16);
  i32 @2 :List(Int32);
  i64 @3 :List(Int64);
}

struct Events {
  count @0 :UInt32;
  firstSequence @1 :UInt64;
  skipped @2 :Column;        # sequence numbers missing before each event; the first has none
  firstWhen @3 :Int64;       # ns since 1970
  when @4 :Column;           # difference to the event before, modulo 2^64; the first has 0
  firstReceived @5 :Int64;   # ns since 1970; when imported: the running maximum of `when`
  received @6 :Column;       # likewise; none: each is the greater of the one before and `when`
  kind @7 :List(UInt8);      # 0 BeginSession 1 Connected 2 Closed 3 Read 4 Write 5 Diagnostic
                             # 6 MessageObtained 7 AbbreviatedWrite 255 unknown
  meta @8 :Column;           # place in the group's list of metas, from 1; 0: none could be read
  length @9 :Column;         # bytes of this event in `payload`
  flags @10 :Column;         # 1 verbatim: the frame stands in `verbatim`
                             # 2 trimmed: the end of the text, or all of it, was not recorded
                             # 4 masked: bytes of it were overwritten when it was recorded
  original @11 :List(OriginalLength);  # only where the text stands for something longer
  origin @12 :Column;        # place in the group's list of origins, from 0
}

struct OriginalLength {
  index @0 :UInt32;          # of the event in this batch
  length @1 :UInt64;
}

struct Payload {
  text @0 :Data;             # the events' texts one after another, unescaped.  Of a Diagnostic:
                             # level, LF, message; of an AbbreviatedWrite: the snippet
}

struct Metas {
  list @0 :List(Meta);       # appended to the group's list
}

struct Meta {
  parent @0 :UInt32;         # place in the group's list; 0: {}
  set @1 :List(Pair);        # ascending by key
  removed @2 :List(Data);    # ascending
  json @3 :Data;             # instead: a value that is no object (`null` of lag notices)
}

struct Pair {
  key @0 :Data;              # unescaped
  json @1 :Data;             # the value as serde_json writes it
}

struct Verbatim {
  list @0 :List(Frame);      # of the events with the flag, in their order
}

struct Frame {
  bytes @0 :Data;            # as received
  opcode @1 :UInt8;          # 1 text, 2 binary
}

struct Gap {
  cause @0 :UInt16;          # 1 server lag 2 disconnected 3 not recording 4 queue full 5 disk
                             # 6 oversize frame
  countKnown @1 :Bool;
  count @2 :UInt64;
  afterSequence @3 :UInt64;  # of the last event before, 0: none
  beforeSequence @4 :UInt64; # of the first event after, 0: none yet
  from @5 :Int64;            # ns since 1970
  until @6 :Int64;
  frameBytes @7 :UInt64;     # oversize: of the frame
  noticeSequence @8 :UInt64; # lag: of the notice, which is an event of its own
  detail @9 :Data;
  origin @10 :UInt16;
}

struct Clock {
  realtime @0 :Int64;        # the same moment on three clocks, ns
  monotonic @1 :Int64;
  boottime @2 :Int64;
}

struct Note {
  key @0 :Data;
  value @1 :Data;
}

struct Origin {
  capture @0 :Data;          # 16 random bytes
  source @1 :Data;           # the name of the endpoint
  tapeNumber @2 :UInt64;     # of the tape that was recorded
  imported @3 :Bool;         # from a file: receive times are the running maximum of `when`
}

# --- sections, each in a skippable frame of its own ---

struct TapeHeader {
  tapeId @0 :Data;
  origin @1 :Origin;
  layout @2 :UInt16;         # 0 events and payload together; 1 two frames a group
  predecessor @3 :Predecessor;
  copyOf @4 :Data;           # of a copy: the id of the tape it comes from
  bootId @5 :Data;
  writer @6 :Data;           # name and version of the program
  url @7 :Data;              # of the endpoint, without credentials
  request @8 :Data;          # as sent
  clock @9 :Clock;
  firstSequence @10 :UInt64; # that the tape may hold
  schema @11 :Data;          # this file
}

struct Predecessor {
  tapeId @0 :Data;
  lastSequence @1 :UInt64;
  endOffset @2 :UInt64;      # of its last group; after a crash of its last whole batch
}

struct GroupIndex {
  number @0 :UInt32;
  offset @1 :UInt64;         # of the first frame, in the tape
  bytes @2 :UInt64;          # of the zstd frames together
  hash @3 :UInt64;           # XXH3-64 of these bytes
  columnBytes @4 :UInt64;    # two-frame layout: of the first frame
  events @5 :UInt64;
  firstSequence @6 :UInt64;
  lastSequence @7 :UInt64;
  firstReceived @8 :Int64;   # least and greatest
  lastReceived @9 :Int64;
  firstWhen @10 :Int64;
  lastWhen @11 :Int64;
  wireBytes @12 :UInt64;     # of the frames as received
  verbatim @13 :UInt64;
  unknown @14 :UInt64;
  metas @15 :UInt64;
  sessions @16 :UInt64;
  gaps @17 :List(Gap);
  origins @18 :List(Origin);
  summaries @19 :List(PropertySummary);
  rows @20 :Data;            # zstd frame of one SessionRows message; left out in the footer
  rowsBytes @21 :UInt64;     # before compression
  gapCount @22 :UInt64;      # `gaps` of the footer may hold fewer
  trimmed @23 :UInt64;       # events with this flag
  masked @24 :UInt64;
  columnRawBytes @25 :UInt64;   # of the first frame, or the only one, decompressed; 0: not known
  payloadRawBytes @26 :UInt64;  # of the second one
  indexVersion @27 :UInt16;  # what summaries, rows and messageIds promise; 0: nothing
  messageIds @28 :Data;      # filter of the values of `message_id`
  messageIdsKnown @29 :Bool; # `messageIds` holds all of them
}

struct PropertySummary {
  key @0 :Data;              # of the metadata
  absent @1 :Bool;           # some event lacks it, or has no metadata
  incomparable @2 :Bool;     # some event holds what is neither a text nor a list with a text
  complete @3 :Bool;         # `values` holds every value
  values @4 :List(Data);     # distinct, as JSON; elements of lists one by one
  inList @5 :Column;         # of each of `values`: 1 it is an element of a list
  lists @6 :Bool;            # some event holds a list
  filter @7 :Data;           # unless complete: of all values; empty: none was made
}

struct SessionRows {
  # The sessions that a group touches, as columns: one entry a session, in the order of their first
  # events.  Differences are modulo 2^64.
  count @0 :UInt32;
  ids @1 :Data;              # one after another
  idLength @2 :Column;
  firstSequence @3 :Column;  # since the group's
  lastSequence @4 :Column;   # since the session's first
  firstReceived @5 :Column;  # since the group's; least and greatest
  lastReceived @6 :Column;   # since the session's first
  events @7 :Column;
  connections @8 :Column;
  messages @9 :Column;
  bytesRead @10 :Column;
  bytesWritten @11 :Column;
  lastReply @12 :Column;     # code of the last reply, 0: none
  flags @13 :Column;         # 1 opened here, 2 closed here, 4 TLS, 8 touched by a gap, 16 decided
                             # 32 goes on, 64 sure, 128 rests
  properties @14 :List(PropertyColumns);
  # Since these, ids to lastReceived and events are left out.
  version @15 :UInt16;       # 1: with what follows
  idForm @16 :Column;        # 0 text 1 UUID 2 32 digits of hexadecimal 3 the XXH3-64 of a long one
  idTexts @17 :Data;         # of form 0, one after another
  idTextLength @18 :Column;  # of these
  idBytes @19 :Data;         # of form 1 and 2, 16 each
  idHashes @20 :Data;        # of form 3, 8 each, little-endian
  sequence @21 :Column;      # the session's first, since the one of the row before (the group's)
  sequences @22 :Column;     # from its first to its last
  received @23 :Column;      # its least, since the one of the row before (the group's)
  duration @24 :Column;      # from its least to its greatest
  recipients @25 :Column;    # RCPT commands
  worstReply @26 :Column;    # the greatest code from 200 to 599, 0: none
  accepted @27 :Column;      # replies that decide a message, by class: 2xx
  deferred @28 :Column;      # 4xx
  refused @29 :Column;       # 5xx
  tls @30 :Column;           # of the last handshake: 0 none 1 failed 2 of an unknown version
                             # 3 SSL 3.0 10 to 13 TLS 1.0 to 1.3
  # Of rows that are sure:
  wanted @31 :Column;        # recipients in the metadata of its messages, less `recipients`
  delivered @32 :Column;     # recipients whose outcome is known: less `accepted`
  putOff @33 :Column;        # less `deferred`
  bounced @34 :Column;       # less `refused`
  tried @35 :List(Tried);    # of those without a connection here that tried to make one
}

struct Tried {
  row @0 :UInt32;            # its place, ascending
  host @1 :Data;             # the last one; empty: it is in no plan
  address @2 :Data;          # or what else the attempt was told to go to; empty: it was held up
}

struct PropertyColumns {
  key @0 :Data;              # of the metadata
  flags @1 :Column;          # 1 some event of the session lacks it, 2 some holds null or another type
                             # 4 some holds a list, 8 there are values beyond the hashes
  listed @2 :Column;         # how many distinct values are listed, at most 64
  value @3 :Column;          # these, session by session: 0 the next of `values`, n the n-th again
  hashed @4 :Column;         # how many values there are beyond
  hashes @5 :Data;           # of these: XXH3-64, little-endian, session by session
  values @6 :Data;           # the distinct ones of all sessions, as JSON, one after another
  valueCount @7 :UInt32;
  valueLength @8 :Column;
  inList @9 :Column;         # of each of `values`: 1 it is an element of a list
}

struct TapeFooter {
  groups @0 :List(GroupIndex);  # without rows
  sessionHashes @1 :Data;    # XXH3-64 of the session ids, ascending, little-endian
  ledger @2 :Ledger;
  origins @3 :List(Origin);
  notes @4 :List(Note);
  sealedAt @5 :Int64;        # ns since 1970
  copyOf @6 :Data;
  sessionHashesOmitted @7 :Bool;  # there were too many
}

struct Ledger {
  # received = stored + notSelected + the lost, each counted in frames
  received @0 :UInt64;
  stored @1 :UInt64;
  notSelected @2 :UInt64;
  lost @3 :List(Lost);
  upstream @4 :List(Lost);   # beside it: what never reached us
}

struct Lost {
  cause @0 :UInt16;          # as in Gap
  count @1 :UInt64;
  gaps @2 :UInt64;           # how many gaps this stands for
  unknown @3 :UInt64;        # gaps among them whose count nobody knows
}
