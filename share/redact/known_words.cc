#include "share/redact/known_words.h"

#include <algorithm>
#include <cstddef>

#include <boost/unordered/unordered_flat_set.hpp>

#include "base/hash.h"

namespace smtptape {

namespace {

// In the order of where they come from: commands and extensions, replies, KumoMTA, mailboxes that
// RFC 2142 names, messages.
constexpr std::string_view kWords =
    "helo ehlo lhlo mail rcpt from to data bdat last rset quit noop help vrfy expn starttls auth "
    "plain login cram md5 digest scram sha xoauth2 oauthbearer external anonymous gssapi ntlm "
    "esmtp "
    "smtp lmtp esmtps esmtpa pipelining size 8bitmime 7bit 8bit binarymime chunking dsn smtputf8 "
    "enhancedstatuscodes deliverby limits rcptmax mailmax requiretls etrn turn xclient xforward "
    "tls ssl ipv6 ipv4 "
    "ok okay queued queue queueing accepted accept received recipient recipients sender senders "
    "message messages mailbox mailboxes user users unknown unavailable full quota exceeded over "
    "storage limit limits limited rate too many much connections connection concurrent sessions "
    "session error errors temporary temporarily permanent failure failed fail failing fatal "
    "invalid bad good sequence of commands command syntax parameter parameters argument arguments "
    "not no none yes valid such here there found exist exists does is are was were be been has "
    "have "
    "had will can cannot could should must may this that these those the a an and or for with "
    "without by in on at as it its if then than try tried again later please see your you our we "
    "us "
    "me my i address addresses rejected reject refused refuse denied deny blocked block listed "
    "list "
    "lists blacklist blacklisted spam content filter filtering filtered policy policies reason "
    "reasons because due greylisting greylisted graylisted greylist action service services server "
    "servers shutting down closing transmission channel ready start started end go ahead hello "
    "hi there welcome pleased meet bye goodbye thanks thank host hosts hostname name names domain "
    "domains relay relaying relayed access authentication authenticated authenticate required "
    "require credentials successful success succeeded successfully completed complete done timeout "
    "timed out time wait waiting slow delayed delay deferred defer delivered delivery deliver "
    "undeliverable disabled inactive suspended account accounts email emails "
    "reputation low poor score detected unusual unsolicited originating network networks protect "
    "ip ips ptr record records dns lookup mx spf dkim dmarc check checks verification verify "
    "verified requested request taken okay processing process system problem problems resources "
    "insufficient internal local remote private use monitored line lines one two of reply detail "
    "details support information more help visit contact postmaster administrator "
    "unspecified default queue_name kumomta kumo kumod kcli null mx_list smtp_client unknown "
    "attempting throttled handshake opportunistic banner rejected response content code class "
    "subject enhanced_code after before reading read write connect connecting closed close "
    "abuse noc security hostmaster webmaster info www ftp root admin administrator noreply "
    "no-reply bounce bounces mailer-daemon daemon test example examples invalid localhost "
    "localdomain com net org "
    "dear regards best hello hi html body head div span table style class href http https "
    "text charset utf utf-8 mime version type encoding multipart boundary";

using Words = boost::unordered_flat_set<std::string_view, TextHash>;

Words all_words() {
  Words words;
  std::string_view left = kWords;
  while (!left.empty()) {
    const std::size_t blank = std::min(left.find(' '), left.size());
    words.insert(left.substr(0, blank));
    left.remove_prefix(std::min(blank + 1, left.size()));
  }
  return words;
}

bool is_of_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_number(std::string_view word) {
  constexpr std::size_t kMostDigits = 3;
  return word.size() <= kMostDigits &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool is_known_text(std::string_view folded) {
  static const Words words = all_words();
  bool any = false;
  for (std::size_t at = 0; at < folded.size();) {
    const std::size_t from = at;
    while (at < folded.size() && is_of_word(folded[at]))
      ++at;
    if (at == from) {
      ++at;
      continue;
    }
    const std::string_view word = folded.substr(from, at - from);
    if (!words.contains(word) && !is_number(word)) return false;
    any = any || words.contains(word);
  }
  return any;
}

}  // namespace smtptape
