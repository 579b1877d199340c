"""Fetches every page that akscan reads, through the same connection, and throws it away: the bound of `pods.py`."""

import json

from akscan.collect.cloud import CLOUDS
from akscan.collect.connection import from_context
from akscan.collect.kubernetes import PAGE_ITEMS
from akscan.collect.limits import Limits
from akscan.model.reads import KUBERNETES_READS
from crowd import CONTEXT

with from_context(CONTEXT, CLOUDS["public"], Limits().whole) as connection:
    for read in (read for read in KUBERNETES_READS if not read.optional):
        query = f"limit={PAGE_ITEMS}"
        while query:
            page = connection.get(f"{read.path}?{query}")
            # metadata stands before the items
            metadata = json.loads(page[: page.index(b'"items":')].rstrip(b", \n") + b"}")["metadata"]
            query = f"limit={PAGE_ITEMS}&continue={metadata['continue']}" if "continue" in metadata else ""
