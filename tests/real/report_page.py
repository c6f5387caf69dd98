"""Opens a page in Chromium, with and without scripts, light and dark, wide and narrow, and on paper.

    report_page.py CHROMIUM PAGE PICTURES

Fails if the console says anything, if the page asks for another file, if it is wider than the window, if a part of it has no
name, or if without scripts it says something else. Leaves a picture of each view in the directory PICTURES.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile

CLOSE = b"\0"


class Browser:
    """Chromium, spoken to through a pair of pipes."""

    def __init__(self, program):
        read_theirs, write_ours = os.pipe()
        read_ours, write_theirs = os.pipe()
        self.home = tempfile.TemporaryDirectory()

        def arrange():
            # Their ends may have the numbers that the others are to get.
            read, write = os.dup(read_theirs), os.dup(write_theirs)
            os.dup2(read, 3)
            os.dup2(write, 4)

        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"]
        self.process = subprocess.Popen(
            [program, *arguments, f"--user-data-dir={self.home.name}", "about:blank"],
            preexec_fn=arrange,
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_theirs)
        os.close(write_theirs)
        self.out = os.fdopen(write_ours, "wb", buffering=0)
        self.into = os.fdopen(read_ours, "rb", buffering=0)
        self.rest = b""
        self.number = 0
        self.heard = []
        targets = self.ask("Target.getTargets")["targetInfos"]
        target = next(one for one in targets if one["type"] == "page")
        self.session = None
        self.session = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.ask(f"{domain}.enable")

    def receive(self):
        while CLOSE not in self.rest:
            piece = self.into.read(1 << 16)
            if not piece:
                sys.exit("the browser went away")
            self.rest += piece
        message, self.rest = self.rest.split(CLOSE, 1)
        return json.loads(message)

    def ask(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        self.out.write(json.dumps(message).encode() + CLOSE)
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']}")
                return answer["result"]
            self.heard.append(answer)

    def wait_for(self, method):
        while not any(event.get("method") == method for event in self.heard):
            self.heard.append(self.receive())

    def value(self, expression):
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            sys.exit(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def end(self):
        self.process.terminate()
        self.process.wait(20)


def complaints(events):
    """What a page had to complain of, and what it asked for beside itself."""
    said = {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}
    found = [event for event in events if event.get("method") in said]
    for event in events:
        if event.get("method") == "Network.requestWillBeSent":
            url = event["params"]["request"]["url"]
            if not url.startswith(("file://", "data:")):
                found.append(url)
    return found


def view(browser, page, scripts, scheme, width, picture, media="screen"):
    browser.heard.clear()
    browser.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.ask("Emulation.setEmulatedMedia", media=media, features=features)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.ask("Emulation.setDeviceMetricsOverride", **size)
    browser.ask("Page.navigate", url=page)
    browser.wait_for("Page.loadEventFired")
    heard = complaints(browser.heard)
    if heard:
        sys.exit(f"{picture.name}: the console says {heard}")
    content = browser.ask("Page.getLayoutMetrics")["cssContentSize"]
    if content["width"] > width:
        sys.exit(f"{picture.name}: the page is {content['width']} wide in a window of {width}")
    # One picture of the whole would be too high to look at.
    step = 1100 if width > 600 else 1600
    for at in range(0, int(content["height"]), step):
        clip = {"x": 0, "y": at, "width": width, "height": min(step, content["height"] - at), "scale": 1}
        shot = browser.ask("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        name = picture.with_name(f"{picture.name}-{at // step:02}.png")
        name.write_bytes(base64.b64decode(shot["data"]))
    browser.ask("Emulation.setScriptExecutionDisabled", value=False)
    return browser.value("document.body.innerText")


STRUCTURE = """(() => {
  const wrong = [];
  const name = (it) => it.outerHTML.slice(0, 80);
  for (const it of document.querySelectorAll("table")) if (!it.caption || !it.caption.textContent.trim()) wrong.push("no caption: " + name(it));
  for (const it of document.querySelectorAll("svg[role=img]")) if (!it.querySelector("title")?.textContent.trim()) wrong.push("no title: " + name(it));
  for (const it of document.querySelectorAll("img")) if (!it.alt || !it.naturalWidth) wrong.push("no picture or no words for it: " + name(it));
  for (const it of document.querySelectorAll("[aria-labelledby]")) for (const id of it.getAttribute("aria-labelledby").split(" ")) if (!document.getElementById(id)) wrong.push("no element " + id);
  for (const it of document.querySelectorAll("a[href^='#']")) if (!document.getElementById(it.getAttribute("href").slice(1))) wrong.push("leads nowhere: " + name(it));
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  let before = 1;
  for (const it of document.querySelectorAll("h1, h2, h3, h4")) { const level = +it.tagName[1]; if (level > before + 1) wrong.push("skips a level: " + name(it)); before = level; }
  const ids = [...document.querySelectorAll("[id]")].map((it) => it.id);
  for (const id of ids) if (ids.filter((other) => other === id).length > 1) wrong.push("twice: " + id);
  return wrong;
})()"""


def main():
    program, page, pictures = sys.argv[1:]
    page, pictures = pathlib.Path(page).resolve().as_uri(), pathlib.Path(pictures)
    pictures.mkdir(parents=True, exist_ok=True)
    browser = Browser(program)
    try:
        texts = {}
        for scripts in [True, False]:
            for scheme in ["light", "dark"] if scripts else ["light"]:
                for width in [1280, 400]:
                    name = f"{scheme}-{width}" + ("" if scripts else "-no-script")
                    texts[name] = view(browser, page, scripts, scheme, width, pictures / name)
        for width in [1280, 400]:
            if texts[f"light-{width}"] != texts[f"light-{width}-no-script"]:
                sys.exit(f"without scripts the page says something else at a width of {width}")
        wrong = browser.value(STRUCTURE)
        if wrong:
            sys.exit("\n".join(wrong))
        # The width of a sheet of A4 without its margins.
        view(browser, page, True, "light", 680, pictures / "paper-680", "print")
        paper = browser.ask("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        (pictures / "paper.pdf").write_bytes(base64.b64decode(paper["data"]))
        if complaints(browser.heard):
            sys.exit(f"on paper the console says {complaints(browser.heard)}")
    finally:
        browser.end()
    print(f"{len(texts)} views and the printed page are as they should be; pictures in {pictures}")


main()
