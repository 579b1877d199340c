"""Builders of what Privileged Identity Management says of roles, and of Trusted Access."""

from __future__ import annotations

from akscan.model.azure import ListedResource, TrustedAccessRoleBinding, TrustedAccessRoleBindingProperties
from akscan.model.roles import (
    InstanceProperties,
    RoleAssignment,
    RoleAssignmentScheduleInstance,
    RoleEligibilityScheduleInstance,
)
from akscan.model.text import ArmId, Token
from akscan.testing.azure import cluster


def activated(
    assignment: RoleAssignment, *, kind: str = "Activated", until: str = "2026-11-22T18:00:00Z"
) -> RoleAssignmentScheduleInstance:
    """What Privileged Identity Management says of an active assignment; ``kind`` is Activated or Assigned."""
    return RoleAssignmentScheduleInstance(
        id=_instance_id(assignment, RoleAssignmentScheduleInstance.arm_type),
        name=assignment.name,
        properties=_properties(assignment, kind, until),
    )


def eligible(assignment: RoleAssignment) -> RoleEligibilityScheduleInstance:
    """What its principal may activate instead of holding the assignment."""
    return RoleEligibilityScheduleInstance(
        id=_instance_id(assignment, RoleEligibilityScheduleInstance.arm_type),
        name=assignment.name,
        properties=_properties(assignment, "", ""),
        listed_for=assignment.listed_for,
    )


def _instance_id(assignment: RoleAssignment, kind: Token) -> ArmId:
    return ArmId(f"{assignment.properties.scope.rstrip('/')}/providers/{kind}/{assignment.name}")


def _properties(assignment: RoleAssignment, kind: str, until: str) -> InstanceProperties:
    held = assignment.properties
    return InstanceProperties(
        principal_id=held.principal_id,
        role_definition_id=held.role_definition_id,
        scope=held.scope,
        principal_type=held.principal_type,
        assignment_type=Token(kind),
        end_date_time=until,
    )


def trusted_access(
    source: str, *roles: str, name: str = "backup", cluster_name: str = "aks"
) -> TrustedAccessRoleBinding:
    """A binding that lets a resource into a cluster."""
    return TrustedAccessRoleBinding(
        id=ArmId(f"{cluster(cluster_name).id}/trustedAccessRoleBindings/{name}"),
        name=name,
        properties=TrustedAccessRoleBindingProperties(
            source_resource_id=ArmId(source), roles=roles, provisioning_state=Token("Succeeded")
        ),
    )


def listed_resource(resource_id: str) -> ListedResource:
    """A resource that stands in the list of its subscription."""
    return ListedResource(id=ArmId(resource_id), name=ArmId(resource_id).name)
