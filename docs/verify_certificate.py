# fmt: off
# ruff: noqa: ANN001, ANN201, D103, PYI024 - one page, to be read in one sitting
"""Verify a release certificate of Shuyu (数域) with nothing of Shuyu: Python 3.11 and `cryptography`.

    python verify_certificate.py R-1.json trusted.toml [--files FOLDER] [--proof R-1.proof.json]

A certificate is a DSSE v1 envelope over an in-toto v1 statement. The steps are those of `shuyu verify`, which SM2 keys
need; one that does not hold ends it with exit code 1. The form of fields that no step speaks of is passed over.
"""
import argparse
import json
import sys
import tomllib
from base64 import b64decode, b64encode
from collections import namedtuple
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey as PublicKey

INTOTO, CLASSES = b"application/vnd.in-toto+json", ["dp", "sdc", "reviewed", "consented"]  # the mildest class first
TYPES = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "urn:shuyu:release:v1"}
APPROVING = {"approve_scenario_implementer", "approve_scenario_provider"}
Key = namedtuple("Key", "name id public until revoked")  # the last two: how long the log was when it was put away

def has_signed(key, signature, message):
    try:
        return key.public.verify(signature, message) is None
    except InvalidSignature:
        return False
def is_believed(key, size):
    return key.revoked is None and (key.until is None or size <= key.until)

def raw(text):
    found = b64decode(text, validate=True)
    if b64encode(found).decode() != text:
        raise ValueError("not written as base64 is")
    return found

def digest(content):
    return "sha256:" + sha256(content).hexdigest()
def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

def read_keys(toml):  # lists of keys as C2SP signed-note writes them, and two tables of those that were put away
    found, rings = tomllib.loads(toml), {"release": [], "grant": [], "log": []}
    revoked, retired = ({line["key"]: line["size"] for line in found.pop(name, ())} for name in ("revoked", "retired"))
    for part, ring in rings.items():
        for name, claimed, key in (text.split("+", 2) for text in found.pop(part)):
            own = sha256(name.encode() + b"\n" + raw(key)).hexdigest()[:8]
            if not raw(key).startswith(b"\x01") or own != claimed:
                raise ValueError("not an Ed25519 key")
            public, until = PublicKey.from_public_bytes(raw(key)[1:]), (revoked | retired).get(own)
            ring.append(Key(name, own, public, until, revoked.get(own)))
    if found or {*revoked, *retired} - {key.id for ring in rings.values() for key in ring}:
        raise ValueError("it has lines that nobody understands")
    return rings

def logged(proof, ring):  # the log's entry (RFC 9162 section 2.1.3.2), and who signed its checkpoint (C2SP)
    text, _, lines = proof["checkpoint"][:8192].rpartition("\n\n")
    (origin, size, root), node, last = text.split("\n")[:3], proof["seq"], proof["size"] - 1
    marks = [raw(line.split(" ")[2]) for line in lines.splitlines() if line.startswith(f"\u2014 {origin} ")]
    signers = [key for key in ring for mark in marks if (key.name, key.id) == (origin, mark[:4].hex())
               and has_signed(key, mark[4:], f"{text}\n".encode())]
    found = sha256(b"\0" + proof["leaf"].encode()).digest()
    for sibling in map(raw, proof["hashes"][:64]):
        right = node & 1 or node == last
        found = sha256(b"\1" + sibling + found if right else b"\1" + found + sibling).digest()
        while right and node and not node & 1:
            node, last = node >> 1, last >> 1
        node, last = node >> 1, last >> 1
    if last or found != raw(root) or not 0 <= proof["seq"] < proof["size"] == int(size) or lines[-1:] != "\n":
        raise ValueError("its entry is not in the log")
    return json.loads(proof["leaf"]), [*(key for key in signers if is_believed(key, int(size))), *signers][0]

def verify(certificate, keys, folder, fresh):
    rings = read_keys(keys)
    yield "keys", "there is somebody to trust", all(rings.values())
    envelope = json.loads(certificate.decode()) if len(certificate) <= 4 * 2**20 else {}
    payload, marks = raw(envelope["payload"]), [(mark["keyid"], raw(mark["sig"])) for mark in envelope["signatures"]]
    yield "envelope", "it is a certificate", envelope["payloadType"].encode() == INTOTO
    message = b"DSSEv1 %d %s %d %s" % (len(INTOTO), INTOTO, len(payload), payload)
    by = [key for name, mark in marks for key in rings["release"] if key.id == name and has_signed(key, mark, message)]
    yield "signature", "a release key that is trusted has signed it", by
    said = json.loads(payload)["predicate"]
    outs, signed, grant = said["files"], said["grant"], said["grant"]["grant"]
    subject = [{"name": out["file"], "digest": {"sha256": out["digest"].removeprefix("sha256:")}} for out in outs]
    whole = {**TYPES, "subject": subject, "predicate": said}
    yield "statement", "it speaks of these files, in its one form", outs and canonical(whole) == payload
    yield "files", "the files at hand are those that were released", folder is None or (
        len({out["file"] for out in outs}) == len(outs) and all((out["size"], out["digest"]) == (len(file), digest(file))
            for out in outs for file in [(folder / Path(out["file"]).name).read_bytes()]))
    mark, text = b64decode(signed["signature"], validate=True), canonical(grant)
    granting = [key for key in rings["grant"] if key.id == signed["key"] and has_signed(key, mark, text)]
    yield "grant", "a grant key that is trusted has signed the grant", granting
    granted = {out["name"]: (out["release"], out["form"] in ("verification", "score_service")) for out in grant["outputs"]}
    classes, views = [granted[out["name"]][0] for out in outs], {v["asset"]: v["snapshot"] for v in reversed(grant["assets"])}
    yield "terms", "developer, outputs, class, data and image are those of the grant", (
        said["developer"] == grant["developer"] and said["release_class"] == max(classes, key=CLASSES.index)
        and said["inputs"] and all(views[read["asset"]] == read["snapshot"] for read in said["inputs"])
        and said["image"] in [None, *grant["images"]])
    yes, verdicts = grant["approvals"], [(check["output"], check["verdict"]) for check in said["checks"]]
    yield "approvals", "every seat has approved the scenario, and none of them was the developer's", (
        {each["seat"] for each in yes} >= APPROVING and len({each["person"] for each in yes}) == len(yes)
        and said["developer"] not in [each["party"] for each in yes])
    yield "checks", "the filter has judged every file, and has held what only people may let out", (
        sorted(name for name, _ in verdicts) == sorted(out["name"] for out in outs) and all(verdict == "held"
            or (verdict == "cleared" and granted[name][0] in ["dp", "sdc", "consented"][:2 + granted[name][1]]) for name, verdict in verdicts))
    held = {out["digest"] for out in outs if (out["name"], "held") in verdicts}
    seats, parties = {seat["seat"]: seat for seat in said["seats"]}, [seat["party"] for seat in said["seats"]]
    yield "seats", "every seat has passed every held file, having signed its very bytes", not held or (
        seats.keys() >= {"verdict_operator", "verdict_security", *["second_security"][:grant["security_officers"] - 1]}
        and len(seats) == len(parties) == len({seat["person"] for seat in said["seats"]})
        and all(seat["vote"] == "pass" and held <= {*seat["signed"]} for seat in said["seats"])
        and said["developer"] not in parties and parties.count(seats["verdict_operator"]["party"]) == 1)
    cost, most = said["privacy"], Fraction(grant["epsilon_per_release"])
    yield "privacy", "an output under differential privacy states its cost, within the grant's bound", (
        cost["rho"] > 0 and cost["scopes"] and 0 < Fraction(cost["epsilon"]) <= most if "dp" in classes else cost is None)
    told, proof = said["log"], json.loads(fresh) if fresh else said["log"]
    (entry, log), (noted, newest) = logged(told, rings["log"]), logged(proof, rings["log"])
    listed = digest(canonical([[out["name"], out["file"], out["digest"], out["size"]] for out in outs]))
    revoked = [key.revoked for key in (by[0], granting[0], log) if key.revoked is not None]
    yield "log", "the log noted it while the keys were good, which a fresh proof says where one was revoked since", (
        (entry["subject"], entry["facts"]["epoch"], entry["facts"]["files"]) == (said["job"], said["epoch"], listed)
        and (by[0].until is None or told["seq"] < by[0].until) and (log.until is None or told["size"] <= log.until)
        and (not (fresh or revoked) or (is_believed(newest, proof["size"]) and noted["kind"] == "release.made"
            and (noted["subject"], noted["facts"]["certificate"]) == (said["job"], digest(certificate))
            and proof["seq"] < min(revoked, default=proof["size"]))))

def main(words):
    parser = argparse.ArgumentParser(description="Verify a release certificate offline.")
    for name in ("certificate", "trusted", "--files", "--proof"):
        parser.add_argument(name, type=Path)
    given, at = parser.parse_args(words), 0
    try:
        certificate, keys, fresh = (each and each.read_bytes() for each in (given.certificate, given.trusted, given.proof))
        for at, (name, shown, holds) in enumerate(verify(certificate, keys.decode(), given.files, fresh), 1):
            sys.stdout.write(f"{at:2} {name:10} {'ok' if holds else 'FAILED'}: {shown}\n")
            if not holds:
                return 1
    except Exception as error:  # noqa: BLE001 - whatever it chokes on, it is not verified
        sys.stdout.write(f"{at + 1:2} FAILED: {type(error).__name__}: {error}\n")
        return 1
    return 0

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
