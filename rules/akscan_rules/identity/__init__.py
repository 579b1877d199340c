"""The identities with which a cluster, its nodes and its pods act in Azure, and the registries that they pull from."""
