"""Where the agent lives on the host."""

ARCHIVE = "/usr/local/bin/ccci-prune"
POLICY = "/etc/ccci-prune/policy.json"

STATE = "/var/lib/ccci-prune"
"""The ledger, timed leases, what was seen between two looks, the last decision. Survives a reboot."""

BESIDE_STORE = "/var/lib/docker/ccci-prune"
"""The reserve, where Docker's root is this usual one and a file system of its own."""

RUN = "/run/ccci-prune"
"""Locks, and the records of leases that end with a process. Gone with a reboot, as they should be."""

SOCKET = "/run/docker.sock"

SERVICE = "ccci-prune.service"
TIMER = "ccci-prune.timer"
WATCH = "ccci-prune-watch.service"
UNITS = (SERVICE, TIMER, WATCH)
UNIT_FOLDER = "/etc/systemd/system"

LEDGER_FILE = "ledger.json"
EVENTS_FILE = "events.jsonl"
COMPLETE_FILE = "events.complete"
LAST_FILE = "last.json"
INSPECTS_FILE = "inspects.json"
LEASE_FOLDER = "leases"
