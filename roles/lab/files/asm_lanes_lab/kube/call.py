"""One request on one resource, freed from HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import ApiError, bad_request, not_found
from .resources import Resource
from .store import Key

APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


@dataclass
class Call:
    """Who wants what of which object."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    query: dict[str, str] = field(default_factory=dict)
    manager: str = "unknown"
    """Field manager: the query's ``fieldManager``, else the client's program name."""
    user: str = ""
    warnings: list[str] = field(default_factory=list)
    """Texts for ``Warning`` headers of the answer; filled while the call is served."""
    allocated: frozenset[tuple[str, ...]] = frozenset()
    """Fields that the server has given the object while it served the call; nobody owns them."""

    @property
    def key(self) -> Key:
        """Where the object is stored."""
        return (self.namespace if self.resource.namespaced else "", self.name)

    @property
    def dry(self) -> bool:
        """Whether nothing may be stored."""
        return self.query.get("dryRun") == "All"

    def flag(self, name: str) -> bool:
        """A boolean of the query: as in Kubernetes, anything but ``false`` and ``0`` means yes."""
        return name in self.query and self.query[name].lower() not in ("false", "0")

    def number(self, name: str) -> int | None:
        """A whole number of the query, or None; 400 if it is something else."""
        text = self.query.get(name)
        if text is None or text == "":
            return None
        if not text.isdigit():
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax ({name})')
        return int(text)

    def missing(self) -> ApiError:
        """The 404 for this call's object."""
        return not_found(self.resource.group, self.resource.plural, self.name)
