#!/usr/bin/env python3
"""What is linked into the program: NOTICE with the licences, and a list of its parts as SPDX JSON.

  linked_libraries.py TO --version V --compiler CXX --archives NAME... --headers HEADER...

An archive is found as the compiler finds it, a header of a library that is headers only in /usr/include,
and both belong to the Debian packages that have them.  Their copyright files are quoted in full.
"""
import argparse
import gzip
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

COMMON = pathlib.Path("/usr/share/common-licenses")
BY_THE_COMPILER = ["stdc++", "gcc", "gcc_eh", "c", "m"]  # linked without being named


def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def package_of(compiler, archive):
    path = pathlib.Path(said(compiler, f"-print-file-name=lib{archive}.a"))
    if not path.is_absolute():
        sys.exit(f"there is no lib{archive}.a")
    return owner_of(path)


def owner_of(path):
    return said("dpkg-query", "-S", os.path.realpath(path)).split(": ")[0].split(", ")[0]


def described(package):
    fields = said("dpkg-query", "-W", "-f", "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${Homepage}",
                  package).split("\t")
    name, version, architecture, source, homepage = (fields + [""])[:5]
    text = pathlib.Path(f"/usr/share/doc/{name}/copyright").read_text(encoding="utf-8", errors="replace")
    return {"name": name, "version": version, "architecture": architecture, "source": source,
            "homepage": homepage, "copyright": text.strip()}


def notice(parts):
    lines = ["smtptape is one program without shared libraries.  These libraries, as Debian packages them,",
             "are linked into it.  Their licences follow.  Where a licence asks that you can link the program",
             "with another version of a library: ./dev portable in its sources does.", ""]
    lines += [f"  {part['name']} {part['version']}" for part in parts]
    texts = {}
    for part in parts:
        texts.setdefault(part["copyright"], []).append(part["name"])
    # Debian's files refer to these, which stand on Debian's machines alone.
    common = {path: [path.name] for path in map(COMMON.joinpath, re.findall(rf"{COMMON}/([\w.-]*\w)", " ".join(texts)))}
    for path, names in sorted(common.items()):
        if path.exists():
            texts.setdefault(path.read_text(encoding="utf-8").strip(), names)
    for text, names in texts.items():
        lines += ["", "=" * 72, ", ".join(names), "=" * 72, "", text]
    return "\n".join(lines) + "\n"


def spdx_package(part):
    return {"name": part["name"], "SPDXID": f"SPDXRef-{part['name'].replace('+', 'p')}", "versionInfo": part["version"],
            "supplier": "Organization: Debian", "downloadLocation": part["homepage"] or "NOASSERTION",
            "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
            "copyrightText": "NOASSERTION", "sourceInfo": f"built from the Debian source package {part['source']}",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator":
                              f"pkg:deb/debian/{part['name']}@{part['version'].replace('+', '%2B')}?arch={part['architecture']}"}]}


def spdx(version, seconds, parts):
    own = {"name": "smtptape", "SPDXID": "SPDXRef-smtptape", "versionInfo": version, "downloadLocation": "NOASSERTION",
           "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
           "copyrightText": "Copyright 2026 the maintainers of smtptape", "primaryPackagePurpose": "APPLICATION"}
    packages = [own, *map(spdx_package, parts)]
    content = hashlib.sha256(json.dumps(packages, sort_keys=True).encode()).hexdigest()
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"smtptape-{version}", "documentNamespace": f"https://smtptape.example/spdx/{version}/{content}",
            "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)),
                             "creators": ["Tool: smtptape packaging"]},
            "packages": packages,
            "relationships": [
                {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-smtptape"},
                *({"spdxElementId": "SPDXRef-smtptape", "relationshipType": "STATIC_LINK", "relatedSpdxElement": package["SPDXID"]}
                  for package in packages[1:])]}


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("to", type=pathlib.Path)
    words.add_argument("--version", required=True)
    words.add_argument("--compiler", required=True)
    words.add_argument("--archives", nargs="+", required=True)
    words.add_argument("--headers", nargs="+", required=True)
    given = words.parse_args()
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    archives = sorted({*given.archives, *BY_THE_COMPILER})
    packages = {package_of(given.compiler, archive) for archive in archives}
    packages |= {owner_of(pathlib.Path("/usr/include", header)) for header in given.headers}
    packages |= {"ncurses-base"}  # the terminals that top brings
    parts = sorted(map(described, packages), key=lambda part: part["name"])
    given.to.mkdir(parents=True, exist_ok=True)
    (given.to / "NOTICE.gz").write_bytes(gzip.compress(notice(parts).encode(), 9, mtime=0))
    (given.to / "sbom.spdx.json").write_text(json.dumps(spdx(given.version, seconds, parts), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
