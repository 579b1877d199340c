"""Who may do what: Microsoft Entra ID, Azure roles, Kubernetes RBAC."""
