"""What the mesh understands of Istio's objects, as small immutable types.

Field names and semantics are Istio's documented ones. Hosts and gateway names are resolved while reading: a
host without a dot is a Service in the object's own namespace, a gateway without a slash likewise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .findings import Finding, Ref

MESH = "mesh"
"""The reserved gateway name for all sidecars."""

ROOT_NAMESPACE = "istio-system"
"""Where rules for the whole mesh live."""

Pairs = tuple[tuple[str, str], ...]
Labels = frozenset[tuple[str, str]]


def fqdn(host: str, namespace: str) -> str:
    """The full name of a host as written in an object of `namespace`.

    As Istio does it: only a name without any dot is completed, `reviews.default` is taken as it stands.
    """
    return host if "." in host or host == "*" else f"{host}.{namespace}.svc.cluster.local"


@dataclass(frozen=True)
class StringMatch:
    """How to compare a text: kind is exact, prefix or regex (on the whole text)."""

    kind: str
    value: str


@dataclass(frozen=True)
class ValueMatch:
    """A condition on a header (`:method` and such included) or a query parameter.

    match None: it only has to be there. invert: the condition must not hold; a missing header then counts
    as empty, as in Istio.
    """

    name: str
    match: StringMatch | None
    invert: bool = False


@dataclass(frozen=True)
class HttpMatch:
    """One block of conditions, all of which must hold. Empty fields do not limit anything."""

    name: str = ""
    uri: StringMatch | None = None
    ignore_uri_case: bool = False
    headers: tuple[ValueMatch, ...] = ()
    query: tuple[ValueMatch, ...] = ()
    port: int | None = None
    source_labels: Labels = frozenset()
    source_namespace: str = ""
    gateways: tuple[str, ...] = ()

    @property
    def catch_all(self) -> bool:
        """Whether every request on the right port matches."""
        everything = self.uri is None or self.uri == StringMatch("prefix", "/")
        return everything and not self.headers and not self.query


@dataclass(frozen=True)
class HeaderEdits:
    """Headers to set (replace), add (append) and remove."""

    set: Pairs = ()
    add: Pairs = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True)
class Headers:
    """Edits on the way to the service and on the way back."""

    request: HeaderEdits = HeaderEdits()
    response: HeaderEdits = HeaderEdits()


@dataclass(frozen=True)
class Destination:
    """A Service by its full host name, one of its subsets ("" for all pods), one of its ports (or None)."""

    host: str
    subset: str = ""
    port: int | None = None


@dataclass(frozen=True)
class Share:
    """A destination with its part of the traffic.

    fallback (ASM's extension) takes over when the destination has no ready endpoint.
    """

    destination: Destination
    weight: int = 0
    headers: Headers = Headers()
    fallback: Destination | None = None


@dataclass(frozen=True)
class Redirect:
    """An answer that sends the client elsewhere; empty fields keep the request's own part."""

    uri: str = ""
    authority: str = ""
    scheme: str = ""
    port: int | None = None
    code: int = 301


@dataclass(frozen=True)
class DirectResponse:
    """An answer by the proxy itself."""

    status: int
    body: str = ""


@dataclass(frozen=True)
class Retries:
    """When and how often to try again; per_try_timeout in seconds."""

    attempts: int
    per_try_timeout: float | None = None
    retry_on: str = ""


@dataclass(frozen=True)
class HttpRoute:
    """One entry of a VirtualService: if one of the matches holds, then do one of shares, redirect, response.

    timeout in seconds, None for no limit.
    """

    name: str
    matches: tuple[HttpMatch, ...] = ()
    shares: tuple[Share, ...] = ()
    redirect: Redirect | None = None
    response: DirectResponse | None = None
    rewrite_uri: str = ""
    rewrite_authority: str = ""
    timeout: float | None = None
    retries: Retries | None = None
    headers: Headers = Headers()


@dataclass(frozen=True)
class VirtualService:
    """Routing for hosts at gateways (`namespace/name` or `mesh`). created: its creationTimestamp."""

    ref: Ref
    created: str
    hosts: tuple[str, ...]
    gateways: tuple[str, ...]
    http: tuple[HttpRoute, ...]

    @property
    def age(self) -> tuple[str, str, str]:
        """Sort key of Istio's order: the oldest first, then by name and namespace."""
        return (self.created, self.ref.name, self.ref.namespace)


@dataclass(frozen=True)
class LoadBalancing:
    """How to choose a pod. hash_on: header, cookie, source or query for consistent hashing, else "".

    cookie_ttl in seconds (0: a session cookie).
    """

    policy: str = "LEAST_REQUEST"
    hash_on: str = ""
    hash_name: str = ""
    cookie_path: str = ""
    cookie_ttl: float = 0.0
    ring_size: int | None = None


@dataclass(frozen=True)
class Subset:
    """A part of a Service's pods, chosen by labels. balancing None: that of the rule."""

    name: str
    labels: Labels
    balancing: LoadBalancing | None = None


@dataclass(frozen=True)
class DestinationRule:
    """Subsets and load balancing of one host."""

    ref: Ref
    created: str
    host: str
    subsets: tuple[Subset, ...] = ()
    balancing: LoadBalancing | None = None

    @property
    def age(self) -> tuple[str, str, str]:
        """Sort key of Istio's order: the oldest first, then by name and namespace."""
        return (self.created, self.ref.name, self.ref.namespace)


@dataclass(frozen=True)
class Server:
    """A port that a Gateway wants open.

    index: its place in the object; hosts: as written, `[namespace/]host`.
    """

    index: int
    port: int
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Gateway:
    """A gateway rule: servers on the gateway pods that carry all labels of the selector.

    findings: what was refused of single servers while the rest works.
    """

    ref: Ref
    created: str
    selector: Labels
    servers: tuple[Server, ...]
    findings: tuple[Finding, ...] = field(default=(), compare=False)

    @property
    def age(self) -> tuple[str, str, str]:
        """Sort key of Istio's order: the oldest first, then by name and namespace."""
        return (self.created, self.ref.name, self.ref.namespace)

    @property
    def name(self) -> str:
        """The name by which VirtualServices refer to it."""
        return f"{self.ref.namespace}/{self.ref.name}"
