"""The web site that link-preview's example is fetched from, for the suites of every computation."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

PAGE = b"<title>Example Domain</title><meta name=description content='For use in documents.'>"


class ExampleSite(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/robots.txt" else 200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="session", autouse=True)
def _example_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), ExampleSite) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        env_file = tmp_path_factory.mktemp("example-site") / ".env"
        env_file.write_text(f"LINK_PREVIEW_ALLOWS=example.com:80=127.0.0.1:{server.server_port}\n")
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("BACKBURNER_ENV_FILE", str(env_file))
            yield
        server.shutdown()
