"""Reads the lists of one Kubernetes API server as raw JSON pages, decoded into the fields that rules use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from akscan.collect.connection import REQUESTS_AT_ONCE, Connection
from akscan.collect.discovery import Discovery
from akscan.collect.faults import Refused, gap_of
from akscan.collect.limits import Limit
from akscan.collect.metrics import requested_apis
from akscan.collect.pods import PodReducer
from akscan.model.decode import Malformed, convert, decode_answer
from akscan.model.gaps import Gap, Reason
from akscan.model.kubernetes import (
    ConfigMap,
    KubernetesLists,
    KubernetesObject,
    KubernetesStruct,
    Listing,
    ObjectMeta,
    Pod,
    Secret,
)
from akscan.model.permissions import kubernetes_resource
from akscan.model.reads import KUBERNETES_READS, KubernetesRead

T = TypeVar("T")

PAGE_ITEMS = 500
_JSON = "application/json"
_TEXT = "text/plain"
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
_PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
_NOT_FOUND = 404
#: What an API server answers of a resource that it does not serve, with and without the right to it.
_NOT_THERE = (403, _NOT_FOUND)
_GONE = 410
#: The annotation that names the service account of a token.
_ACCOUNT_OF_TOKEN = "kubernetes.io/service-account.name"  # noqa: S105 a name


class _ListMeta(KubernetesStruct, frozen=True, kw_only=True):
    continue_: str = msgspec.field(name="continue", default="")


class _Head(KubernetesStruct, frozen=True, kw_only=True):
    """Any list without its items."""

    metadata: _ListMeta = _ListMeta()


class _Page(KubernetesStruct, Generic[T], frozen=True, kw_only=True):
    items: tuple[T, ...] | None = None


class _AnnotatedMeta(ObjectMeta, frozen=True, kw_only=True):
    """Metadata whose annotation values stay undecoded: the last applied configuration holds the values of a Secret."""

    annotations: dict[str, msgspec.Raw] | None = None


class _PartialObject(KubernetesStruct, frozen=True, kw_only=True):
    metadata: _AnnotatedMeta = _AnnotatedMeta()


class _Row(KubernetesStruct, frozen=True, kw_only=True):
    cells: tuple[str | int | float | bool | None, ...] = ()
    object: _PartialObject = _PartialObject()


class _Column(KubernetesStruct, frozen=True, kw_only=True):
    name: str = ""


class _Table(KubernetesStruct, frozen=True, kw_only=True):
    kind: str = ""
    column_definitions: tuple[_Column, ...] = ()
    rows: tuple[_Row, ...] | None = None


class KubernetesCollector:
    """Reads every list of the table from one API server; what fails becomes the gap of that list."""

    def __init__(self, connection: Connection, scope: str, limit: Limit) -> None:
        self._connection = connection
        self._discovery = Discovery(connection)
        self._pages = ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="page")
        self._scope = scope
        self._limit = limit

    def collect(self) -> KubernetesLists:
        with self._pages, ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="list") as lists:
            listings = lists.map(self._listing, KUBERNETES_READS)
            fields = (read.field for read in KUBERNETES_READS)
            return KubernetesLists(**dict(zip(fields, listings, strict=True)))

    def _listing(self, read: KubernetesRead) -> Listing[Any]:
        try:
            try:
                return self._read(read)
            except Refused as refused:
                if refused.status != _GONE:
                    raise
                # the snapshot behind the continue token expired; this list is read once more from its beginning
                return self._read(read)
        except Exception as error:  # noqa: BLE001 whatever the client raises means that this list was not read
            if read.optional and isinstance(error, Refused) and error.by_api and error.status in _NOT_THERE:
                return self._optional(read, error)
            return Listing(gap=self._gap(error, read))

    def _optional(self, read: KubernetesRead, refused: Refused) -> Listing[Any]:
        """An absence where no version of the resource is served.

        RBAC comes first in an API server: what is not there is forbidden, too. And what is not found may be there in
        another version. Without discovery, not found means absent, as it nearly always does.
        """
        versions = self._discovery.versions(*kubernetes_resource(read.need))
        if versions == () or (versions is None and refused.status == _NOT_FOUND):
            return Listing()
        gap = self._gap(refused, read)
        if refused.status == _NOT_FOUND:
            told = f"{read.path} was not found, discovery tells of {', '.join(versions or ())}"
            gap = msgspec.structs.replace(gap, reason=Reason.NOT_READ, detail=told)
        return Listing(gap=gap)

    def _gap(self, error: Exception, read: KubernetesRead) -> Gap:
        ended = self._limit.ended
        return gap_of(error, source="kubernetes", scope=self._scope, need=read.need, ended=ended)

    def _read(self, read: KubernetesRead) -> Listing[Any]:
        """The next page travels while one is decoded."""
        if read.need.url:
            self._limit.check()
            return Listing(items=requested_apis(self._connection.get(read.path, _TEXT)))
        sink = _SecretSink() if read.struct is Secret else _Sink(read, self._scope)
        token = ""
        ahead: Future[bytes] | None = self._pages.submit(self._page, read, sink.accept, token)
        while ahead is not None:
            page = ahead.result()
            following = decode_answer(page, _Head).metadata.continue_
            if following and following == token:
                raise Malformed("the continue token leads in a circle")
            ahead = self._pages.submit(self._page, read, sink.accept, following) if following else None
            sink.take(page)
            token = following
        return sink.listing()

    def _page(self, read: KubernetesRead, accept: str, token: str) -> bytes:
        self._limit.check()
        query = {"limit": PAGE_ITEMS, "continue": token} if token else {"limit": PAGE_ITEMS}
        return self._connection.get(f"{read.path}?{urlencode(query)}", accept)


class _SecretSink:
    """Takes Tables of Secrets: names, types and marks, never data."""

    accept = _TABLE

    def __init__(self) -> None:
        self._items: list[Secret] = []

    def take(self, page: bytes) -> None:
        """Keep what the page holds."""
        table = decode_answer(page, _Table)
        names = [column.name for column in table.column_definitions]
        if table.kind != "Table" or "Type" not in names:
            # never decode what may hold values: an API server that answers otherwise is not understood
            raise Malformed("the API server did not answer with a Table of Secrets")
        place = names.index("Type")
        self._items += (secret_of(row.object.metadata, str(row.cells[place])) for row in table.rows or ())

    def listing(self) -> Listing[Any]:
        return Listing(items=tuple(self._items))


def secret_of(metadata: _AnnotatedMeta, of_type: str) -> Secret:
    """A Secret from its metadata and type; of the annotations' values only the account of a token is taken along."""
    plain = {name: getattr(metadata, name) for name in ObjectMeta.__struct_fields__}
    annotations = metadata.annotations or {}
    account = annotations.get(_ACCOUNT_OF_TOKEN)
    return Secret(
        metadata=ObjectMeta(**plain),
        type=of_type,
        annotation_keys=tuple(sorted(annotations)),
        service_account=decode_answer(bytes(account), str) if account else "",
    )


def annotated_secret(item: Mapping[str, Any]) -> Secret:
    """The same from a whole Secret of a dump. Raises `Malformed`."""
    metadata = convert(item.get("metadata") or {}, ObjectMeta)
    annotations = (item.get("metadata") or {}).get("annotations") or {}
    return Secret(
        metadata=metadata,
        type=str(item.get("type", "Opaque")),
        annotation_keys=tuple(sorted(annotations)),
        service_account=str(annotations.get(_ACCOUNT_OF_TOKEN, "")),
    )


def object_of(item: Mapping[str, Any], struct: type[KubernetesObject]) -> KubernetesObject:
    """Any other object from its decoded JSON; of one ConfigMap more is kept than of others. Raises `Malformed`."""
    found = convert(item, struct)
    if isinstance(found, ConfigMap) and found.is_for_expander:
        return found.with_priorities(item)
    return found


class _Sink:
    """Decodes the pages of one list; an object of the wrong shape makes the list incomplete and names the path."""

    def __init__(self, read: KubernetesRead, scope: str) -> None:
        self._read = read
        self._scope = scope
        self._items: list[KubernetesObject] = []
        self._pods = PodReducer()
        self._fault = ""

    @property
    def accept(self) -> str:
        return _PARTIAL if self._read.metadata_only else _JSON

    def take(self, page: bytes) -> None:
        """Keep what the page holds."""
        try:
            decoded: _Page[Any] = decode_answer(page, _Page[self._read.struct])  # type: ignore[name-defined]
            items = decoded.items or ()
        except Malformed:
            items = tuple(self._one_by_one(_plain(page)))
        if self._read.struct is Pod:
            self._pods.add(items)
        elif any(isinstance(item, ConfigMap) and item.is_for_expander for item in items):
            self._items.extend(self._one_by_one(_plain(page)))
        else:
            self._items.extend(items)

    def _one_by_one(self, items: Iterable[dict[str, Any]]) -> Iterator[KubernetesObject]:
        """Nulls count as absent here, and one bad object does not hide its neighbours."""
        for index, item in enumerate(items):
            try:
                yield object_of(item, self._read.struct)
            except Malformed as error:
                self._fault = self._fault or f"{_name(item)} (item {index}): {error}"

    def listing(self) -> Listing[Any]:
        items = self._pods.pods() if self._read.struct is Pod else tuple(self._items)
        gap = None
        if self._fault:
            gap = Gap(
                source="kubernetes",
                scope=self._scope,
                reason=Reason.MALFORMED,
                permission=self._read.need,
                detail=self._fault,
            )
        return Listing(items=items, gap=gap)


def _plain(page: bytes) -> tuple[dict[str, Any], ...]:
    return decode_answer(page, _Page[dict[str, Any]]).items or ()


def _name(item: Mapping[str, Any]) -> str:
    metadata = item.get("metadata")
    if not isinstance(metadata, Mapping):
        return "an object without metadata"
    return "/".join(str(metadata[key]) for key in ("namespace", "name") if key in metadata)
