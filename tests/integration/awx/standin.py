"""An HTTP stand-in for AWX, for tests only: keeps what is written, and holds each request to AWX's API.

What AWX would refuse is refused. What AWX would pass over in silence (fields that it does not have, filters
that it does not know) is refused, too, and both are kept in ``problems``.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from . import rules

API: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "api.yml").read_text())
TOKEN = "t0ken-of-an-administrator"
ENCRYPTED = "$encrypted$"
Item = dict[str, Any]


def is_a(value: object, kind: type) -> bool:
    """Whether a JSON value is of a kind: true and false are no numbers."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


class Refused(Exception):  # noqa: N818
    """A request that AWX answers with an error."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass
class Objects:
    """What an AWX keeps. by_kind: objects by resource and id; links: ids by object and association."""

    by_kind: dict[str, dict[int, Item]] = field(default_factory=lambda: {resource: {} for resource in API})
    surveys: dict[int, Item] = field(default_factory=dict)
    links: dict[tuple[int, str], list[int]] = field(default_factory=dict)


class Controller:
    """The objects, and what can be done with them."""

    def __init__(self) -> None:
        self.ids = itertools.count(1)
        self.lock = threading.Lock()
        self.start_with(Objects())

    # What a test asks.
    def start_with(self, kept: Objects) -> None:
        """Have these objects and no others, and know of no request."""
        self._kept = copy.deepcopy(kept)
        self.requests: list[tuple[str, str]] = []
        self.problems: list[str] = []
        if not self.objects["organizations"]:
            self.create("organizations", {"name": "Default"})

    def kept(self) -> Objects:
        """The objects as they are now."""
        return copy.deepcopy(self._kept)

    @property
    def objects(self) -> dict[str, dict[int, Item]]:
        """Objects by resource and id."""
        return self._kept.by_kind

    @property
    def surveys(self) -> dict[int, Item]:
        """Surveys by the id of their template."""
        return self._kept.surveys

    @property
    def links(self) -> dict[tuple[int, str], list[int]]:
        """Associated ids, by object and association."""
        return self._kept.links

    def named(self, resource: str) -> dict[str, Item]:
        """Objects of a resource by name, or by identifier."""
        return {item.get("name", item.get("identifier")): item for item in self.objects[resource].values()}

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Requests since the last ``requests.clear()`` that were no reading."""
        return [entry for entry in self.requests if entry[0] != "GET"]

    # What AWX does.
    def handle(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        with self.lock:
            self.requests.append((method, path))
            try:
                return self._route(method, path, query, body)
            except Refused as refused:
                self.problems.append(f"{method} {path}: {refused}")
                return refused.status, {"detail": str(refused)}

    def _route(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        found = re.fullmatch(r"/api/v2/(\w+)/(?:(\d+)/(?:(\w+)/)?)?", path)
        if not found or found[1] not in API:
            raise Refused(404, "no such path")
        resource, key, part = found[1], int(found[2] or 0), found[3]
        if method != "GET" and API[resource].get("read_only"):
            raise Refused(405, "cannot be written")
        if not key:
            return self._collection(method, resource, query, body)
        if key not in self._all(resource):
            raise Refused(404, "no such object")
        if part:
            return self._part(method, resource, key, part, body)
        return self._object(method, resource, key, body)

    def _collection(self, method: str, resource: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "GET":
            found = [self.shown(resource, key) for key in self._all(resource)]
            found = [item for item in found if self._matches(resource, item, query)]
            return 200, {"count": len(found), "next": None, "previous": None, "results": found}
        if method != "POST":
            raise Refused(405, "method not allowed")
        return 201, self.shown(resource, self.create(resource, body))

    def _matches(self, resource: str, item: Item, query: dict[str, str]) -> bool:
        either = [
            self._equal(item, name[4:], value) for name, value in query.items() if name.startswith("or__")
        ]
        every = [
            self._equal(item, name, value)
            for name, value in query.items()
            if not name.startswith(("or__", "page"))
        ]
        unknown = {name.removeprefix("or__") for name in query} - {
            *API[resource]["fields"],
            "id",
            "type",
            "page_size",
        }
        unknown -= set(API[resource].get("ignored", []))
        if unknown:
            raise Refused(400, f"{resource} cannot be searched by {', '.join(sorted(unknown))}")
        return all(every) and (any(either) or not either)

    @staticmethod
    def _equal(item: Item, name: str, value: str) -> bool:
        return str(item.get(name)).lower() == value.lower() if name != "name" else item.get(name) == value

    def _object(self, method: str, resource: str, key: int, body: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, self.shown(resource, key)
        if method == "PATCH":
            self._check(resource, body, self.objects[resource][key])
            return 200, self.shown(resource, key)
        if method == "DELETE":
            return self._delete(resource, key)
        raise Refused(405, "method not allowed")

    def _delete(self, resource: str, key: int) -> tuple[int, Any]:
        if resource == "credential_types" and any(
            item["credential_type"] == key for item in self.objects["credentials"].values()
        ):
            raise Refused(403, "Credential types that are in use cannot be deleted")
        del self.objects[resource][key]
        for children, name in (
            ("hosts", "inventory"),
            ("workflow_job_template_nodes", "workflow_job_template"),
        ):
            gone = [child for child, item in self.objects[children].items() if item.get(name) == key]
            for child in gone:
                del self.objects[children][child]
        for linked in self.links.values():
            linked[:] = [other for other in linked if other != key]
        return 204, None

    def _part(self, method: str, resource: str, key: int, part: str, body: Any) -> tuple[int, Any]:
        if part == "survey_spec" and API[resource].get("survey"):
            return self._survey(method, key, body)
        if part == "create_approval_template" and method == "POST":
            approval = self.create("workflow_approval_templates", body)
            self.objects[resource][key]["unified_job_template"] = approval
            return 201, self.shown("workflow_approval_templates", approval)
        associated = API[resource].get("associations", {}).get(part)
        if not associated:
            raise Refused(404, "no such path")
        linked = self.links.setdefault((key, part), [])
        if method == "GET":
            results = [self.shown(associated, other) for other in linked]
            return 200, {"count": len(results), "next": None, "previous": None, "results": results}
        if set(body) - {"id", "disassociate"} or body.get("id") not in self.objects[associated]:
            raise Refused(400, f"no {associated} to associate: {body}")
        linked[:] = [other for other in linked if other != body["id"]]
        if not body.get("disassociate"):
            linked.append(body["id"])
        return 204, None

    def _survey(self, method: str, key: int, body: Any) -> tuple[int, Any]:
        if method == "POST":
            _refuse(rules.survey(body))
            self.surveys[key] = body
        return 200, self.surveys.get(key, {}) if method == "GET" else {}

    def create(self, resource: str, body: Item) -> int:
        """Check and keep a new object; returns its id."""
        item: Item = {}
        for name, kind in API[resource]["fields"].items():
            if str(kind).endswith("!") and name not in body:
                raise Refused(400, f"{resource}: {name}: this field is required")
        key = next(self.ids)
        self._check(resource, body, item)
        self.objects[resource][key] = item
        if resource == "projects":
            self.objects["project_updates"][key + 100_000] = {"name": item["name"]}
        return key

    def _check(self, resource: str, body: Item, item: Item) -> None:
        """Check fields and what goes beyond them; then write them into item."""
        if not isinstance(body, dict):
            raise Refused(400, "the body is no JSON object")
        description = API[resource]
        ignored = description.get("ignored", [])
        for name, value in body.items():
            if name in description["fields"]:
                self._check_type(f"{resource}: {name}", description["fields"][name].rstrip("!"), value)
            elif name not in ignored:
                raise Refused(400, f"{resource} has no field {name}")
        wanted = {**item, **{name: value for name, value in body.items() if name not in ignored}}
        unique = description.get("unique")
        for other in self.objects[resource].values():
            if unique and other is not item and all(other.get(name) == wanted.get(name) for name in unique):
                raise Refused(400, f"{resource} with this {', '.join(unique)} already exists")
        _refuse(self._beyond(resource, wanted))
        item.update(wanted)

    def _check_type(self, where: str, kind: str, value: Any) -> None:
        if kind.endswith("?"):
            if value is None:
                return
            kind = kind[:-1]
        if kind.startswith("fk:"):
            right = value is None or (is_a(value, int) and value in self._all(kind[3:]))
        elif kind.startswith("choice:"):
            right = value in kind[7:].split("|")
        elif kind == "vars":
            right = isinstance(value, str) and isinstance(yaml.safe_load(value or "{}"), dict)
        else:
            types = {"str": str, "text": str, "bool": bool, "int": int, "json": dict}
            right = is_a(value, types[kind]) and (kind != "str" or value != "")
        if not right:
            raise Refused(400, f"{where}: {value!r} is no {kind}")

    def _beyond(self, resource: str, item: Item) -> Iterator[str]:
        if resource == "credential_types":
            yield from rules.credential_type(item)
        elif resource == "credentials":
            yield from rules.credential(item, self.objects["credential_types"][item["credential_type"]])
        elif resource == "notification_templates":
            yield from rules.notification(item)
        elif resource == "schedules":
            yield from rules.schedule(item["rrule"])
            survey = self.surveys.get(item["unified_job_template"], {})
            yield from rules.answers(item.get("extra_data", {}), survey, needed=True)
        elif resource == "workflow_job_template_nodes" and item.get("unified_job_template"):
            template = self._all("unified_job_templates").get(item["unified_job_template"], {})
            if item.get("job_type") and not template.get("ask_job_type_on_launch"):
                yield "Field is not configured to prompt on launch: job_type"

    def _all(self, resource: str) -> dict[int, Item]:
        """The objects of a resource; a unified job template is one of several kinds."""
        if resource != "unified_job_templates":
            return self.objects[resource]
        kinds = [name for name, description in API.items() if description.get("unified")]
        return {
            key: item
            for kind in (*kinds, "projects", "workflow_approval_templates")
            for key, item in self.objects[kind].items()
        }

    def shown(self, resource: str, key: int) -> Item:
        """An object as AWX shows it: with what belongs to it, and without its secrets."""
        if resource == "unified_job_templates":
            resource = next(name for name, items in self.objects.items() if key in items)
        item = json.loads(json.dumps(self.objects[resource][key]))
        url = f"/api/v2/{resource}/{key}/"
        related = {}
        if API[resource].get("survey"):
            related["survey_spec"] = f"{url}survey_spec/"
        if template := item.get("unified_job_template"):
            kind = next(name for name, items in self.objects.items() if template in items)
            related["unified_job_template"] = f"/api/v2/{kind}/{template}/"
        shown = {
            **item,
            "id": key,
            "type": API[resource]["type"],
            "url": url,
            "related": related,
            "summary_fields": {},
        }
        if resource == "projects":
            shown |= {"scm_revision": "", "summary_fields": {"current_update": {"id": key + 100_000}}}
        elif resource == "project_updates":
            shown |= {"status": "successful"}
        elif resource == "job_templates":
            shown["organization"] = self.objects["projects"].get(item.get("project"), {}).get("organization")
        elif resource == "credential_types":
            shown["managed"] = False
        elif resource == "credentials":
            shown["inputs"] = self._hidden(item)
        return shown

    def _hidden(self, credential: Item) -> Item:
        fields = self.objects["credential_types"][credential["credential_type"]]["inputs"]["fields"]
        secret = {field["id"] for field in fields if field.get("secret")}
        given = credential.get("inputs", {})
        return {name: ENCRYPTED if value and name in secret else value for name, value in given.items()}


def _refuse(problems: Iterator[str]) -> None:
    if found := list(problems):
        raise Refused(400, "; ".join(found))


@contextmanager
def serve(controller: Controller) -> Iterator[str]:
    """Run the stand-in; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, answer = 401, {"detail": "Authentication credentials were not provided."}
            else:
                body = json.loads(text) if text and self.command in ("POST", "PATCH") else {}
                status, answer = controller.handle(self.command, url.path, query, body)
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _do  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Be silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
