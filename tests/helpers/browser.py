"""Pages in a headless browser."""

import json
import re
import shutil
import subprocess

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")
_LISTENING = (
    "<script>window.wrong = []; addEventListener('error', event => wrong.push(event.message));</script>"
)


def asked(folder, page, script="", address=""):
    """Return the result of the function body `script` in the page, and every error that the browser reports.

    address: the text after the name of the file, such as "#sort=params".
    """
    probe = (
        "<script>addEventListener('load', () => setTimeout(async () => {"
        "const out = document.createElement('pre'); out.id = 'probe';"
        f"out.textContent = JSON.stringify({{answer: await (async () => {{ {script} }})(), wrong}});"
        "document.body.append(out); }, 200));</script>"
    )
    file = folder / "page.html"
    file.write_text(page.replace("<head>", f"<head>{_LISTENING}", 1).replace("</body>", f"{probe}</body>"))
    ran = run("--dump-dom", f"file://{file}{address}")
    (text,) = re.findall(r'<pre id="probe">(.*?)</pre>', ran.stdout, re.DOTALL)
    answer = json.loads(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    console = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
    return answer.get("answer"), answer["wrong"] + console


def run(*words, width=1200, height=900):
    """Run the browser once. It waits for scripts for 3 s of its own clock."""
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += ["--virtual-time-budget=3000", f"--window-size={width},{height}", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
