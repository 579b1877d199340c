"""Secrets: where they are kept, how they reach containers, and with which key etcd keeps them."""

from akscan.sdk import Need

#: What tells which workloads there are.
WORKLOAD_NEEDS = (
    Need.DEPLOYMENTS,
    Need.STATEFUL_SETS,
    Need.DAEMON_SETS,
    Need.REPLICA_SETS,
    Need.JOBS,
    Need.CRON_JOBS,
    Need.REPLICATION_CONTROLLERS,
    Need.PODS,
)

#: What other stores than Key Vault install.
OTHER_STORES = (
    "externalsecrets.external-secrets.io",
    "vaultstaticsecrets.secrets.hashicorp.com",
    "vaultauths.secrets.hashicorp.com",
)
