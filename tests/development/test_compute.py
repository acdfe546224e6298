"""A computation is run in this process, from what a request would bring to what it would get."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import computations
from backburner.computation import registry
from backburner.development.compute import compute

HERE = Path(__file__).parent
COMPUTATIONS = HERE / "computations"
SRC = Path(computations.__file__).parents[1]
SCRIPT = f"""
import sys, computations
from backburner.development.compute import compute
computations.__path__.append({str(COMPUTATIONS)!r})
sys.exit(compute("versatile", open(sys.argv[1], "rb")))
"""


@pytest.fixture(autouse=True)
def _versatile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computations, "__path__", [*computations.__path__, str(COMPUTATIONS)])


def run(parameters: object, name: str = "versatile", **options: Any) -> int:
    body = parameters if isinstance(parameters, bytes) else json.dumps(parameters).encode()
    return compute(name, io.BytesIO(body), **options)


Said = pytest.CaptureFixture[str]


def test_the_result_is_one_line_of_json_on_stdout_and_nothing_else_is(capsys: Said) -> None:
    assert run({"how": "prints", "number": 2}) == 0
    out, err = capsys.readouterr()
    assert out == '{"number":2.0}\n'
    assert "printed" in err


def test_without_parameters_it_computes_its_example(capsys: Said) -> None:
    assert compute("versatile") == 0
    assert capsys.readouterr().out == '{"number":1.0}\n'


@pytest.mark.parametrize("name", [n for n in registry.names() if not registry.load(n).waits])
def test_the_examples_of_all_that_fetches_nothing_compute(name: str, capsys: Said) -> None:
    assert compute(name) == 0
    json.loads(capsys.readouterr().out)


def test_the_time_is_told_beside_the_expected_one(capsys: Said) -> None:
    assert run({"how": "returns"}, timer=iter([10, 11.318]).__next__) == 0
    assert capsys.readouterr().err == "took 1.32 s; expected_time is 2 s\n"


def test_a_time_over_the_limit_is_told(capsys: Said) -> None:
    assert run({"how": "returns"}, timer=iter([0, 61]).__next__) == 0
    told = "expected_time is 2 s; over time_limit (60 s): a worker would have ended it\n"
    assert capsys.readouterr().err.endswith(told)


def test_the_expected_time_is_that_of_these_parameters(capsys: Said) -> None:
    assert run({"number": 1, "takes": 7.5}, "doubling") == 0
    assert "expected_time is 7.5 s" in capsys.readouterr().err


def test_progress_is_told_in_few_lines_where_there_is_no_terminal(capsys: Said) -> None:
    assert run({"how": "reports"}) == 0
    told = capsys.readouterr().err.splitlines()[:-1]
    assert told[0] == "10%"
    assert told[-1] == "100%"
    assert len(told) <= 11


# what a request would be refused for


def test_every_invalid_parameter_is_told_with_its_pointer_and_reason(capsys: Said) -> None:
    assert run({"how": "returns", "number": "1", "other": 3}) == 2
    assert capsys.readouterr().err.splitlines() == [
        "The parameters do not validate:",
        "  /number: Input should be a valid number",
        "  /other: Extra inputs are not permitted",
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "send one JSON object in UTF-8"),
        (b'{"how": "returns", "how": "returns"}', "appears twice"),
        (b'{"how": "returns", "number": NaN}', "NaN is not a finite number"),
        (b"\xff", "send one JSON object in UTF-8"),
        (b"[1]", "the whole: Input should be an object"),
        (b'{"how": "\\u0000"}', "/how: Text should have neither U"),
        (b" " * 1_000_001, "the body has 1000001 bytes"),
    ],
)
def test_what_the_api_refuses_is_refused_here(body: bytes, said: str, capsys: Said) -> None:
    assert run(body) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err


def test_what_compresses_to_more_than_a_job_may_have_is_refused(capsys: Said) -> None:
    label = "".join(chr(0x4E00 + n * n % 20_000) for n in range(60_000))
    assert run({"number": 1, "label": label}, "doubling") == 2
    assert "compress" in capsys.readouterr().err


def test_an_unknown_name_is_told_which_there_are(capsys: Said) -> None:
    assert compute("tripling") == 2
    assert re.fullmatch(
        "there is no computation 'tripling'; there are .*versatile.*\n", capsys.readouterr().err
    )


def test_a_folder_without_computations_is_told(
    capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPUTATIONS_PACKAGE", "no_such_package")
    assert compute("versatile") == 2
    assert "no_such_package'); work in the folder of a project" in capsys.readouterr().err


# what fails


def test_an_exception_is_shown_with_its_text_and_from_the_computations_own_lines_on(
    capsys: Said,
) -> None:
    assert run({"how": "raises", "number": 4711}) == 1
    err = capsys.readouterr().err
    assert err.startswith(f'Traceback (most recent call last):\n  File "{COMPUTATIONS}')
    assert "ArithmeticError: it was 4711.0\ntook " in err


def test_an_exit_is_a_failure(capsys: Said) -> None:
    assert run({"how": "exits"}) == 1
    assert "SystemExit: 7" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("wrong", "versatile returns a Result that is not valid at number"),
        ("misreports", "versatile calls progress with NaN"),
    ],
)
def test_what_it_hands_over_is_checked_as_in_a_worker(how: str, said: str, capsys: Said) -> None:
    assert run({"how": how}) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


def test_a_wrong_progress_is_told_with_the_line_that_reports_it(capsys: Said) -> None:
    assert run({"how": "misreports"}) == 1
    err = capsys.readouterr().err
    assert f'File "{COMPUTATIONS / "versatile.py"}"' in err
    assert "progress(math.nan)" in err


def test_a_result_that_is_too_large_is_no_result(
    capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backburner.attempt.frames.MAX_RESULT_BYTES", 5)
    assert run({"how": "returns"}) == 1
    assert "the result has 14 bytes; 5 are the most" in capsys.readouterr().err


def test_a_refusal_has_its_own_exit_code(capsys: Said) -> None:
    assert run({"how": "refuses"}) == 3
    assert "versatile refuses: 1.0 is too much; ask for less\n" in capsys.readouterr().err


def test_a_validator_that_fails_is_shown(capsys: Said) -> None:
    assert run({"how": "validates"}) == 4
    err = capsys.readouterr().err
    assert "in _reads" in err
    assert "ZeroDivisionError\nversatile cannot read these parameters" in err


def test_an_interruption_is_no_failure(capsys: Said) -> None:
    assert run({"how": "interrupted"}) == 130
    assert capsys.readouterr() == ("", "interrupted\n")


# what is broken


def test_a_broken_file_is_told_with_file_and_line_and_without_a_traceback(
    capsys: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "torn.py").write_text("\ndef")
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    assert compute("torn") == 4
    told = f"SyntaxError at {tmp_path / 'torn.py'}, line 2: invalid syntax; mend it there"
    err = capsys.readouterr().err
    assert told in err
    assert "Traceback" not in err


def test_an_example_that_is_no_json_is_told(
    capsys: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = (COMPUTATIONS / "versatile.py").read_text()
    (tmp_path / "unwritten.py").write_text(source + "\nEXAMPLE = {'how': {1}}\n")
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    assert compute("unwritten") == 4
    assert "EXAMPLE of unwritten is not JSON" in capsys.readouterr().err


def test_an_import_that_the_request_function_lacks_is_told_though_it_is_installed_here(
    capsys: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "src/computations").mkdir(parents=True)
    (tmp_path / "src/requirements.txt").write_text("pydantic==2\n")
    file = tmp_path / "src/computations/heavy.py"
    file.write_text('"""Heavy."""\nimport vrplib\n')
    monkeypatch.setattr(computations, "__path__", [str(file.parent)])
    monkeypatch.delitem(sys.modules, "vrplib", raising=False)  # another test may have needed it
    assert compute("heavy") == 4
    assert re.search(
        f"at {file}, line 2: vrplib is not in .*requirements.txt; import .* inside compute",
        capsys.readouterr().err,
    )


# a terminal and a debugger


@pytest.fixture
def file(tmp_path: Path) -> Callable[[object], str]:
    def write(parameters: object) -> str:
        path = tmp_path / "parameters.json"
        path.write_text(json.dumps(parameters))
        return str(path)

    return write


def command(parameters: str) -> list[str]:
    return [sys.executable, "-c", SCRIPT, parameters]


ENVIRONMENT = {"PYTHONPATH": str(SRC), "TERM": "dumb", "PATH": os.environ["PATH"]}


def test_a_breakpoint_has_standard_input(file: Callable[[object], str]) -> None:
    ran = subprocess.run(  # noqa: S603
        command(file({"how": "breaks", "number": 4711})),
        env=ENVIRONMENT,
        input="up\np parameters.number * 2\ncontinue\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0
    assert ran.stdout == '{"number":4711.0}\n'
    assert "took" in ran.stderr


def test_who_leaves_the_debugger_sees_no_traceback(file: Callable[[object], str]) -> None:
    ran = subprocess.run(  # noqa: S603
        command(file({"how": "breaks"})),
        env=ENVIRONMENT,
        input="quit\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, "Traceback" in ran.stderr) == (130, False)
    assert "left the debugger" in ran.stderr


def test_on_a_terminal_a_bar_is_drawn_and_the_result_is_indented(
    file: Callable[[object], str],
) -> None:
    ours, theirs = pty.openpty()
    ran = subprocess.Popen(  # noqa: S603
        command(file({"how": "reports"})), env=ENVIRONMENT, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = read_all(ours)
    assert ran.wait(60) == 0
    assert "100%" in shown
    assert '{\r\n  "number": 1.0\r\n}' in shown
    assert "took" in shown


def read_all(terminal: int) -> str:
    read = b""
    try:
        while chunk := os.read(terminal, 4096):
            read += chunk
    except OSError:  # Linux's way to say that the other end is closed
        pass
    finally:
        os.close(terminal)
    return read.decode()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_secrets_and_settings_come_from_the_env_file_or_the_default(
    project: Path, capsys: Said
) -> None:
    (project / ".env").write_text("SALES_DATABASE='postgres://app:s3cret@db'\n")
    assert run({"what": "length"}, "reporting") == 0
    assert json.loads(capsys.readouterr().out) == {"said": "24"}
    assert run({"what": "currency"}, "reporting") == 0
    assert json.loads(capsys.readouterr().out) == {"said": "EUR"}


def test_a_secret_that_the_env_file_lacks_is_named(project: Path, capsys: Said) -> None:
    assert run({"what": "length"}, "reporting") == 1
    said = capsys.readouterr().err
    assert "needs the secret sales-database; write into .env: SALES_DATABASE=…" in said
