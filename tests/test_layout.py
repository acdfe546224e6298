"""The engine is small, and a stranger finds the test of a module by its name."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()
ENGINE = ROOT / "src/backburner"
LAMBDAS = ("request.py", "worker.py", "dead_letter.py")
MAX_IN_PROTOCOL, MAX_IN_A_LAMBDA = 700, 180
"""Lines of code: no blank line, comment or docstring."""
INNER = {"attempt", "computation", "openapi", "local", "suites", "skeleton"}
"""Packages with one door: what is behind it may be tested through it."""
GROUND = {"canonical_json", "errors", "settings", "telemetry"}
UNDERNEATH: dict[str, set[str]] = {
    "canonical_json.py": set(),
    "errors.py": set(),
    "settings.py": {"errors"},
    "telemetry.py": GROUND,
    "aws": GROUND,
    "computation": GROUND,
    "fetching": GROUND | {"computation"},
    "attempt": GROUND | {"aws", "computation", "problems"},
}
"""What a room may import from; no room that stands on it."""
NO_MODULES = {"__init__.py", "__main__.py", "errors.py"}
PARTS = ("src", "clients", "tests", "benchmarks")
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def lines_of_code(path: Path) -> int:
    text = path.read_text()
    prose = set[int]()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            prose.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    code = set[int]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - prose)


def test_the_protocol_and_each_lambda_are_small(capsys: pytest.CaptureFixture[str]) -> None:
    protocol = sum(map(lines_of_code, (ENGINE / "protocol").glob("*.py")))
    lambdas = {name: lines_of_code(ENGINE / name) for name in LAMBDAS}
    with capsys.disabled():
        print(f"\nLines of code: {protocol} in protocol/, {lambdas}")  # noqa: T201
    assert protocol <= MAX_IN_PROTOCOL
    assert max(lambdas.values()) <= MAX_IN_A_LAMBDA


def test_the_worker_pattern_is_one_short_function() -> None:
    tree = ast.parse((ENGINE / "request.py").read_text())
    [answer] = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "answer"]
    assert ast.get_docstring(answer)
    assert (answer.end_lineno or 0) - answer.lineno < 25


def test_a_module_has_a_test_of_its_name() -> None:
    tests = {str(path.relative_to(ROOT / "tests")) for path in (ROOT / "tests").rglob("test_*.py")}
    missing = []
    for path in sorted(ENGINE.rglob("*.py")):
        module = path.relative_to(ENGINE)
        is_own = (
            path.name not in NO_MODULES
            and not path.is_symlink()
            and not INNER.intersection(module.parts)
        )
        if is_own and str(module.with_name(f"test_{module.name}")) not in tests:
            missing.append(str(module))
    assert missing == []


def test_the_quick_tests_start_no_deployment_and_no_browser() -> None:
    [listed] = re.findall(r"^QUICK_TESTS := (.*)$", MAKEFILE, re.M)
    parts = [ROOT / part for part in listed.split()]
    files = [file for part in parts for file in [part, *part.rglob("test_*.py")] if file.is_file()]
    assert len(files) > 15
    slow = r"local\.deployment import|playwright|tests\.(served|browser|evidence|e2e)"
    assert [file.name for file in files if re.search(slow, file.read_text())] == []


def test_make_evidence_runs_what_make_test_leaves_and_ci_runs_both(
    pytestconfig: pytest.Config,
) -> None:
    assert pytestconfig.getini("addopts")[-1] == "not e2e and not evidence"
    run = dict(re.findall(r"^(\w+):.*\n\t\S+/(.*)$", MAKEFILE, re.M))
    assert run["test"] == "pytest $(PARALLEL) $(WITH)"
    assert run["evidence"] == "pytest $(PARALLEL) -m evidence"
    assert "covered:\n\t$(MAKE) test WITH=\"-m 'not e2e' --cov\"\n" in MAKEFILE


@pytest.mark.parametrize("room", UNDERNEATH)
def test_no_import_runs_back_up(room: str) -> None:
    files = [ENGINE / room, *(ENGINE / room).rglob("*.py")]
    trees = [ast.parse(file.read_text()) for file in files if file.is_file()]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    named = {
        f"{node.module}.{each.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    } | {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    rooms = {name.split(".")[1] for name in named if name.startswith("backburner.")}
    assert rooms - {room.removesuffix(".py"), "__version__"} <= UNDERNEATH[room]


def test_no_public_class_has_a_name_twice() -> None:
    owners: dict[str, list[str]] = {}
    for path in [p for part in PARTS for p in (ROOT / part).rglob("*.py") if not p.is_symlink()]:
        if "computations" in path.parts or "unruly" in path.parts:
            continue  # each has its Parameters and its Result
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                owners.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: where for name, where in owners.items() if len(where) > 1} == {}
