"""The inventory: frozen structs of what Azure and Kubernetes answer, with the domain logic on them."""
