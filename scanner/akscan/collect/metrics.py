"""What the API server's own metrics tell of its clients."""

from __future__ import annotations

import re

from akscan.model.decode import Malformed
from akscan.model.kubernetes import RequestedApi

#: https://kubernetes.io/docs/reference/instrumentation/metrics/
_SERIES = re.compile(rb"^apiserver_requested_deprecated_apis\{([^\n]*)\} 1(?:\.0)?(?: \d+)?$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_HEADS = (b"# HELP ", b"# TYPE ")


def requested_apis(text: bytes) -> tuple[RequestedApi, ...]:
    """The deprecated APIs that were asked for since the API server started. Raises `Malformed` for what is not the text
    format of Prometheus, or was cut off (its last line ends, too).
    """
    if not text.startswith(_HEADS) or not text.endswith(b"\n"):
        raise Malformed("Expected the text format of Prometheus")
    found = (dict(_LABEL.findall(match[1].decode(errors="replace"))) for match in _SERIES.finditer(text))
    return tuple(
        RequestedApi(
            group=labels.get("group", ""),
            version=labels.get("version", ""),
            resource=labels.get("resource", ""),
            subresource=labels.get("subresource", ""),
            removed_release=labels.get("removed_release", ""),
        )
        for labels in found
    )
