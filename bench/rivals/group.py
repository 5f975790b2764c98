"""Groups the calls of role sessions with gzip and orjson: python3 group.py FOLDER

Two processes share the files. Where orjson is absent json reads them, and the
answer says so.
"""

import gzip
import json
import os
import sys
from multiprocessing import Pool

try:
    from orjson import loads
    reader = "orjson"
except ImportError:
    from json import loads
    reader = "json"


def group(paths):
    groups = {}
    seen = set()
    for path in paths:
        with gzip.open(path, "rb") as f:
            records = loads(f.read())["Records"]
        for r in records:
            identity = r.get("userIdentity")
            if identity is None or identity.get("type") != "AssumedRole":
                continue
            event = (r["recipientAccountId"], r["eventID"])
            if event in seen:
                continue
            seen.add(event)
            g = groups.get(identity["arn"])
            if g is None:
                g = groups[identity["arn"]] = [0, 0, set(), r["eventTime"], r["eventTime"], set(), set(), set(), set()]
            g[0] += 1
            if "errorCode" in r:
                g[1] += 1
            g[2].add(identity.get("accessKeyId"))
            g[3] = min(g[3], r["eventTime"])
            g[4] = max(g[4], r["eventTime"])
            g[5].add(r["sourceIPAddress"])
            g[6].add(r.get("userAgent"))
            g[7].add(r["eventSource"])
            g[8].add(r["awsRegion"])
    return groups


def main():
    # An account's files stay together, so that each process can tell which
    # events it has counted.
    accounts = [[], []]
    for n, account in enumerate(sorted(os.listdir(sys.argv[1]))):
        for folder, _, names in os.walk(os.path.join(sys.argv[1], account, "CloudTrail")):
            accounts[n % 2] += [os.path.join(folder, name) for name in names]
    total = {}
    with Pool(2) as pool:
        for groups in pool.imap_unordered(group, accounts):
            for arn, g in groups.items():
                t = total.get(arn)
                if t is None:
                    total[arn] = g
                    continue
                t[0] += g[0]
                t[1] += g[1]
                t[3] = min(t[3], g[3])
                t[4] = max(t[4], g[4])
                for i in (2, 5, 6, 7, 8):
                    t[i] |= g[i]
    print(json.dumps({"names": len(total), "calls": sum(g[0] for g in total.values()), "with": reader}))


if __name__ == "__main__":
    main()
