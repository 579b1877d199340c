"""Reads every pod into the models of the official client, for comparison in `pods.py`."""

from crowd import CONTEXT
from kubernetes import client, config

core = client.CoreV1Api(config.new_client_from_config(context=CONTEXT))
pods = []
token = None
while True:
    page = core.list_pod_for_all_namespaces(limit=500, _continue=token)
    pods += page.items
    token = page.metadata._continue  # noqa: SLF001 the client's own name for it
    if not token:
        break
