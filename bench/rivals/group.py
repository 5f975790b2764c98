"""Groups the calls of role sessions with gzip and orjson: python3 group.py FOLDER

Two processes share the files. Where orjson is absent json reads them, and the
bench is told so.
"""

import gzip
import json
import os
import sys
from multiprocessing import Pool

try:
    from orjson import dumps, loads

    reader = "orjson"
except ImportError:
    from json import loads

    def dumps(value):
        return json.dumps(value).encode()

    reader = "json"


class Name:
    __slots__ = ("role", "sessions", "calls", "errors", "first", "last", "ips", "agents", "services", "regions")

    def __init__(self, issuer, time):
        self.role = issuer
        self.sessions = set()
        self.calls = self.errors = 0
        self.first = self.last = time
        self.ips, self.agents, self.regions = set(), set(), set()
        self.services = {}

    def add(self, other):
        self.role = min(self.role, other.role)
        self.sessions |= other.sessions
        self.calls += other.calls
        self.errors += other.errors
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)
        self.ips |= other.ips
        self.agents |= other.agents
        self.regions |= other.regions
        for service, calls in other.services.items():
            self.services[service] = self.services.get(service, 0) + calls

    def row(self, arn):
        return {
            "arn": arn, "roleArn": self.role, "sessions": len(self.sessions), "calls": self.calls, "errors": self.errors,
            "firstSeen": self.first, "lastSeen": self.last,
            "sourceIps": len(self.ips), "ipSample": sorted(self.ips)[:10],
            "userAgents": len(self.agents), "agentSample": sorted(self.agents)[:10],
            "services": self.services, "regions": sorted(self.regions),
        }


def group(paths):
    names = {}
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
            time = r["eventTime"]
            context = identity.get("sessionContext", {})
            n = names.get(identity["arn"])
            if n is None:
                n = names[identity["arn"]] = Name(context.get("sessionIssuer", {}).get("arn", ""), time)
            n.calls += 1
            if "errorCode" in r:
                n.errors += 1
            n.sessions.add((identity.get("accessKeyId"), context.get("attributes", {}).get("creationDate")))
            if time < n.first:
                n.first = time
            elif time > n.last:
                n.last = time
            n.ips.add(r["sourceIPAddress"])
            agent = r.get("userAgent")
            if agent:
                n.agents.add(agent)
            service = r["eventSource"]
            n.services[service] = n.services.get(service, 0) + 1
            n.regions.add(r["awsRegion"])
    return names


def main():
    # An account's files stay together, so that each process can tell which
    # events it has counted.
    accounts = [[], []]
    for n, account in enumerate(sorted(os.listdir(sys.argv[1]))):
        for folder, _, names in os.walk(os.path.join(sys.argv[1], account, "CloudTrail")):
            accounts[n % 2] += [os.path.join(folder, name) for name in names]
    total = {}
    with Pool(2) as pool:
        for names in pool.imap_unordered(group, accounts):
            for arn, n in names.items():
                if arn in total:
                    total[arn].add(n)
                else:
                    total[arn] = n
    for arn, n in total.items():
        sys.stdout.buffer.write(dumps(n.row(arn)) + b"\n")
    if reader == "json":
        print("orjson is not installed", file=sys.stderr)


if __name__ == "__main__":
    main()
