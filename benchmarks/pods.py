"""One large cluster behind a real API server: ``python benchmarks/pods.py [PODS ...]``, after ``make apiserver``.

Reads it three ways, each in a process of its own: every list that akscan reads as raw pages that are thrown away,
``akscan scan`` with every rule and a JSON report, and the pods as models of the stock client. Prints seconds, their
ratio to the raw transfer, and peak memory.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import yaml
from apiserver.server import ApiServer
from crowd import CONTEXT, crowd
from process import spent

_SCAN = ("scan", "--context", CONTEXT, "--quiet", "--format", "json", "--output")
_PUTS_PER_TRANSACTION = 200
#: no audit log: it would grow with every page
_SERVER_FLAGS = ("--audit-log-path=",)
_ETCD_FLAGS = ("--quota-backend-bytes", str(8 << 30), "--max-txn-ops", "1000", "--max-request-bytes", str(64 << 20))


def main(sizes: Sequence[int]) -> None:
    """Measure each size on a server of its own, and print a table."""
    beside = Path(__file__).parent
    for pods in sizes:
        with ApiServer(*_SERVER_FLAGS, etcd_flags=_ETCD_FLAGS) as server, tempfile.TemporaryDirectory() as folder:
            bytes_each = load(server, pods)
            config = Path(folder) / "config"
            administrator = server.certificate_user("bench", "system:masters")
            config.write_text(yaml.safe_dump(server.kubeconfig({CONTEXT: administrator})), encoding="utf-8")
            ways = {
                "raw pages, thrown away": [beside / "pods_raw.py"],
                "akscan scan": ["-m", "akscan", *_SCAN, folder],
                "stock client, pods only": [beside / "pods_stock.py"],
            }
            measured = {
                name: spent([sys.executable, *arguments], {"KUBECONFIG": str(config)})
                for name, arguments in ways.items()
            }
            judged = sum(
                s["kind"] == "deployment" for s in json.loads((Path(folder) / "akscan.json").read_bytes())["subjects"]
            )
        print(f"{pods} pods of {bytes_each} bytes, {judged} Deployments judged")
        print(f"{'':<28}{'seconds':>10}{'ratio':>8}{'peak MiB':>10}")
        raw = next(iter(measured.values())).wall_seconds
        for name, one in measured.items():
            print(f"{name:<28}{one.wall_seconds:>10.1f}{one.wall_seconds / raw:>8.2f}{one.peak_mib:>10.0f}")


def load(server: ApiServer, pods: int) -> int:
    """Fill the server; the bytes of the largest object, a pod, as it stores them."""
    objects = crowd(pods)
    largest = 0
    while batch := dict(islice(objects, _PUTS_PER_TRANSACTION)):
        server.store(batch)
        largest = max(largest, *map(len, batch.values()))
    return largest


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [20_000, 100_000])
