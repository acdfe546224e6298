"""Notices an edit of a computation, and forgets what its former code has answered.

The code of a computation is its file or all of its folder, and the modules beside the package that
these import, as their `import` statements say, also those within functions. Comments and spaces do
not count, nor does the time of a file. A digest of it is kept in the table, with the entries.

In AWS nothing is forgotten: there a computation's `version` tells old answers from new ones.
"""

import ast
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from backburner.development.local.function import IGNORED, SourceState, source_state

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PACKAGE, ENGINE = "computations", "backburner"
KEY = {"signature": {"S": "code"}}
"""Of the item with the digests; no signature is so short."""
OK = {"N": "200"}
"""The status of a result."""
BATCH = 25
"""The most that DynamoDB deletes in one call."""

Code = tuple[str, str]
"""A digest of a computation's code, and the version that its policy has, as written there."""


class Edits:
    """Compares the code with that of the last time, also of the last run."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table: str,
        code: Path,
        folders: Sequence[Path],
        say: Callable[[str], None],
    ) -> None:
        self._dynamodb, self._table, self._say = dynamodb, table, say
        self._code, self._folders = code, [code / PACKAGE, *folders]
        self._seen: SourceState | None = None
        self._lock = Lock()

    def notice(self) -> None:
        """Forget what is no longer answered so. Whoever calls a function waits for that."""
        with self._lock:
            state = source_state([self._code, *self._folders])
            if state != self._seen:
                self._compare()
                self._seen = state

    def _compare(self) -> None:
        if not (codes := dict(self._codes())):
            return
        item = self._dynamodb.get_item(TableName=self._table, Key=KEY).get("Item", {})
        known = {name: (it["L"][0]["S"], it["L"][1]["S"]) for name, it in item.items() if "L" in it}
        now = {**known, **codes}
        for name, (digest, version) in known.items():
            if now[name][0] != digest:
                self._forget(name, version if version == now[name][1] else None)
        if now != known:
            kept = {name: {"L": [{"S": part} for part in it]} for name, it in now.items()}
            self._dynamodb.put_item(TableName=self._table, Item={**KEY, **kept})

    def _forget(self, name: str, same_version: str | None) -> None:
        """Delete a computation's answers; its jobs begin again, as if their worker had died."""
        entries = list(self._entries(name))
        gone = [
            each["signature"]
            for each in entries
            if not ("job" in each and self._begins_again(each))
        ]
        for start in range(0, len(gone), BATCH):
            deletes: list[Any] = [
                {"DeleteRequest": {"Key": {"signature": each}}}
                for each in gone[start : start + BATCH]
            ]
            self._dynamodb.batch_write_item(RequestItems={self._table: deletes})
        results = sum(each.get("answer", {}).get("M", {}).get("status") == OK for each in entries)
        if results and same_version is not None:
            self._say(
                f"{name} was edited, and its version is still {same_version or 'the same'}: "
                f"answers of its former code are forgotten here ({results}). In AWS they would be "
                "served until they expire: raise version in its POLICY"
            )

    def _entries(self, name: str) -> Iterator[dict[str, Any]]:
        scan = self._dynamodb.get_paginator("scan")
        for page in scan.paginate(
            TableName=self._table,
            FilterExpression="computation = :name",
            ExpressionAttributeValues={":name": {"S": name}},
        ):
            yield from page["Items"]

    def _begins_again(self, entry: dict[str, Any]) -> bool:
        """True if it still has its job, which is sent again at the next request."""
        with suppress(ClientError):  # its condition is untrue
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"signature": entry["signature"]},
                UpdateExpression="SET job.lease = :now, job.attempts = :none"
                " REMOVE answer, job.run, job.progress, job.progress_at",
                ConditionExpression="attribute_exists(job)",
                ExpressionAttributeValues={":now": {"N": f"{time.time()}"}, ":none": {"N": "0"}},
            )
            return True
        return False

    def _codes(self) -> Iterator[tuple[str, Code]]:
        """The code of each computation. One that is no Python for now is as it was."""
        for folder in self._folders:
            for path in sorted(folder.iterdir() if folder.is_dir() else ()):
                with suppress(SyntaxError, ValueError, OSError):
                    if not path.name.startswith((".", "_")) and (
                        path.suffix == ".py" or path.is_dir()
                    ):
                        yield path.stem.replace("_", "-"), self._code_of(path)

    def _code_of(self, path: Path) -> Code:
        found: dict[Path, bytes] = {}
        files = [path] if path.is_file() else [*_files(path)]
        while files:
            file = files.pop()
            if file in found:
                continue
            found[file] = file.read_bytes()
            if file.suffix == ".py":
                tree = ast.parse(found[file])
                found[file] = ast.dump(tree).encode()
                files += [
                    it
                    for name in _imported(tree, self._package(file))
                    for it in self._modules(name)
                ]
        lines = [str(f).encode() + hashlib.sha256(found[f]).digest() for f in sorted(found)]
        main = path if path.is_file() else path / "__init__.py"
        return hashlib.sha256(b"".join(lines)).hexdigest(), _version(ast.parse(main.read_bytes()))

    def _package(self, file: Path) -> list[str]:
        """The package that the file's relative imports begin at."""
        for folder in self._folders:
            if file.is_relative_to(folder):
                return [PACKAGE, *file.relative_to(folder).parent.parts]
        return [*file.relative_to(self._code).parent.parts]

    def _modules(self, name: str) -> Iterator[Path]:
        """The files of a module of the project and of the packages around it."""
        top, *parts = name.split(".")
        roots = self._folders if top == PACKAGE else [self._code / top]
        for root in roots if top != ENGINE else ():
            for length in range(len(parts) + 1):
                path = root.joinpath(*parts[:length])
                yield from filter(Path.is_file, (path.with_suffix(".py"), path / "__init__.py"))


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if not path.name.startswith(IGNORED):
            yield from _files(path) if path.is_dir() else (path,)


def _imported(tree: ast.AST, package: list[str]) -> Iterator[str]:
    """The modules that are imported, and the names, which may be modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _version(tree: ast.Module) -> str:
    """The version of its POLICY, as it is written; a name that is assigned there is looked up."""
    assigned: dict[str, ast.expr | None] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            assigned.update((ast.unparse(each), node.value) for each in targets)
    policy = assigned.get("POLICY")
    given = {each.arg: each.value for each in getattr(policy, "keywords", ())}
    version = ast.unparse(given["version"]) if "version" in given else ""
    return ast.unparse(meant) if (meant := assigned.get(version)) else version
