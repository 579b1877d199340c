"""Strings that Azure compares without case: enum values, names, locations, resource ids."""

from __future__ import annotations

from functools import cached_property, lru_cache
from sys import intern
from typing import Self


class Token(str):
    """A string of Azure that compares, hashes and orders without case, and keeps its spelling for display."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.casefold() == other.casefold()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: str) -> bool:
        return self.casefold() < other.casefold()

    def __hash__(self) -> int:
        return hash(self.casefold())


class Location(Token):
    """An Azure region; "West Europe" and "westeurope" are the same."""

    __slots__ = ()

    def __new__(cls, value: str = "") -> Self:
        return super().__new__(cls, value.replace(" ", ""))


class ArmId(Token):
    """An Azure Resource Manager id, compared without case; empty where the API names no resource.

    The segments are those of
    https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource#resourceid
    """

    # no __slots__: ids are few beside Kubernetes objects, and their parts, which most ids share, are cached
    def __new__(cls, value: str = "") -> Self:
        return super().__new__(cls, value if value == "/" else value.rstrip("/"))

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The parts between the slashes, in lower case."""
        return tuple(intern(part.casefold()) for part in self.split("/") if part)

    @cached_property
    def _spelled(self) -> tuple[str, ...]:
        return tuple(intern(part) for part in self.split("/") if part)

    def _after(self, word: str) -> str:
        try:
            return self._spelled[self.segments.index(word) + 1]
        except (ValueError, IndexError):
            return ""

    @property
    def subscription(self) -> str:
        """The GUID of the subscription, or an empty string."""
        return self._after("subscriptions").casefold()

    @property
    def subscription_scope(self) -> ArmId:
        """The subscription as a scope: ``/subscriptions/{guid}``; empty when there is none."""
        return ArmId(f"/subscriptions/{self.subscription}" if self.subscription else "")

    @property
    def resource_group(self) -> str:
        """The name of the resource group, or an empty string."""
        return self._after("resourcegroups")

    @property
    def group(self) -> ArmId:
        """The resource group as a scope; empty when there is none."""
        return ArmId(f"{self.subscription_scope}/resourceGroups/{self.resource_group}" if self.resource_group else "")

    @property
    def name(self) -> str:
        """The last segment."""
        return self._spelled[-1] if self._spelled else ""

    @cached_property
    def type(self) -> Token:
        """The resource type with its provider, nested types included: ``Microsoft.Network/virtualNetworks/subnets``."""
        parts = self._spelled
        try:
            start = len(parts) - 1 - [part.casefold() for part in reversed(parts)].index("providers")
        except ValueError:
            names = parts[0::2]
            return Token(f"Microsoft.Resources/{'/'.join(names)}" if names else "")
        rest = parts[start + 1 :]
        return Token("/".join([rest[0], *rest[1::2]]) if rest else "")

    @property
    def parent(self) -> ArmId:
        """The resource that a child or extension resource belongs to; empty for a top-level resource."""
        parts = self._spelled
        lowered = self.segments
        if len(parts) < 2:  # noqa: PLR2004 a type and a name
            return ArmId()
        above = parts[:-2]
        if above and lowered[len(above) - 2 : len(above) - 1] == ("providers",):
            above = above[:-2]
        return ArmId("/" + "/".join(above)) if above else ArmId()

    def ancestor(self, arm_type: str) -> ArmId:
        """The nearest id upwards (this one included) of a resource type; empty when there is none."""
        here = self
        while here and here.type != arm_type:
            here = here.parent
        return here

    def contains(self, other: ArmId) -> bool:
        """Whether this scope is ``other`` or a parent of it, by whole path segments; "/" contains everything."""
        return other.segments[: len(self.segments)] == self.segments if self else False


@lru_cache(maxsize=4096)
def version_key(version: str) -> tuple[int, ...]:
    """A Kubernetes version as numbers; a leading v and what follows a hyphen or plus play no part. Empty when it is
    none.
    """
    core = version.removeprefix("v").split("-")[0].split("+")[0]
    try:
        return tuple(int(part) for part in core.split("."))
    except ValueError:
        return ()


def minor(version: str) -> str:
    """``"1.35.6"`` -> ``"1.35"``; empty when it is no version."""
    key = version_key(version)
    return f"{key[0]}.{key[1]}" if len(key) > 1 else ""
