"""Checks the labels mechanically: python3 check.py (standard library only, no part of the program).

found: the words stand there, exactly, or up to typography, or piece by piece (ellipsis, brackets).
altered, absent, not_comparable: they do not stand there, exactly or up to typography.
altered: what `source_says` names does stand there. unreadable: the text is empty."""
import collections
import html.parser
import json
import pathlib
import re
import sys
import unicodedata

HERE = pathlib.Path(__file__).resolve().parent
KINDS = {"verbatim", "paraphrase", "title", "translation"}
LABELS = {"found", "altered", "absent", "not_comparable", "unreadable"}
FIELDS = ["id", "label", "why", "lang", "kind", "media", "text_file", "quote", "source_says"]
VOID = {"br", "img", "meta", "wbr", "hr", "input", "link"}
BLOCK = {"p", "br", "div", "li", "td", "th", "tr", "h1", "h2", "h3", "ol", "ul", "section", "caption", "figcaption"}
UNSEEN = {"script", "style", "template", "head", "rt", "rp"}


class Visible(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.out, self.stack = [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag in BLOCK:
            self.out.append("\n")
        if tag in VOID:
            return
        style = (attrs.get("style") or "").replace(" ", "")
        self.stack.append((tag, tag in UNSEEN or "hidden" in attrs or "display:none" in style, tag == "sup"))

    def handle_endtag(self, tag):
        if tag in BLOCK:
            self.out.append("\n")
        for i in range(len(self.stack) - 1, -1, -1):
            if self.stack[i][0] == tag:
                del self.stack[i:]
                break

    def handle_data(self, data):
        if any(unseen for _, unseen, _ in self.stack):
            return
        if any(sup for _, _, sup in self.stack) and re.fullmatch(r"\s*[\[(]?[\d*۰-۹]+[\])]*\s*", data):
            return
        if any(sup for _, _, sup in self.stack) and len(data.strip()) < 5:
            return
        self.out.append(data)


def visible(raw, media):
    if media == "plain":
        return raw
    parser = Visible()
    parser.feed(raw)
    return "".join(parser.out)


def spaces(s):
    return " ".join(s.split())


# scripts where a quotation may end where the next word, or a particle, begins
NO_SPACE = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff66-\uff9f]")


def plain(s, join):
    """Typography taken away; join: a hyphen at a line end belongs to the break."""
    s = s.replace("\u00ad", "")
    s = re.sub(r"(?<=\w)-[ \t]*\n[ \t]*(?=\w)", "" if join else "-", s)
    s = re.sub(r"(?m)^\s*(IBS/2007/41.*|\d{1,3})\s*$", " ", s)  # running heads and page numbers of the PDF-like text
    s = re.sub(r"(?<=[a-z])7(?= have)", "", s)  # its footnote number
    s = unicodedata.normalize("NFKC", s.replace("ß", "ss")).translate({0x64A: 0x6CC, 0x643: 0x6A9})
    s = s.replace("œ", "oe")
    s = "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in s)
    s = unicodedata.normalize("NFD", s.casefold())
    s = re.sub(r"[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u0653\u0656-\u065f\u0670\u0640]", "", s)
    s = unicodedata.normalize("NFC", s)
    s = "".join(c for c in s if unicodedata.category(c) != "Cf")
    s = re.sub(r"[\u2010-\u2015\u2212\u05be]|--", "-", s)
    s = re.sub(r"[\u2018-\u201f\u00ab\u00bb\u2039\u203a\u300c-\u300f\u05f3\u05f4\"'`\u02bc]", "", s)
    s = s.replace("...", "…")
    return s


def tight(s, join):
    return re.sub(r"\s+", "", plain(s, join))


def stands(quote, text):
    """Up to typography, at word borders. Spaces are dropped; borders are looked up in the spaced text."""
    for join in (True, False):
        t = plain(text, join)
        keep = [i for i, c in enumerate(t) if not c.isspace()]
        packed = "".join(t[i] for i in keep)
        for join_q in (True, False):
            q = tight(quote, join_q).strip("…")
            if not re.search(r"\w", q):
                return False
            at = packed.find(q)
            while at >= 0:
                a, b = keep[at], keep[at + len(q) - 1]
                before, after = t[a - 1 : a], t[b + 1 : b + 2]
                number = t[a - 2 : a - 1].isdigit() and before in ",." and t[a].isdigit()
                glued = lambda x, y: bool(x and y) and x.isalnum() and y.isalnum() and not NO_SPACE.match(x + "")
                if not glued(before, t[a]) and not glued(after, t[b]) and not number:
                    return True
                at = packed.find(q, at + 1)
    return False


def pieces_stand(quote, text):
    """The pieces between ellipses and brackets, in order, each near the one before."""
    parts = [p for p in re.split(r"\[?(?:…+|\.\.\.)\]?|\[[^\]]*\]", quote) if re.search(r"\w", p)]
    parts = [tight(p, True).strip(",;") for p in parts]
    t = tight(text, True)
    start = t.find(parts[0]) if parts else -1
    while start >= 0:
        at = start + len(parts[0])
        for q in parts[1:]:
            found = t.find(q, at, at + 400 + len(q))
            if found < 0:
                break
            at = found + len(q)
        else:
            return True
        start = t.find(parts[0], start + 1)
    return False


def dotless(s):
    """Turkish: one letter for İ, I, i, ı (used only for a quotation in another letter case)."""
    return re.sub("[İIı]", "i", s)


def main():
    rows = [json.loads(line) for line in (HERE / "pairs.jsonl").read_text(encoding="utf-8").splitlines()]
    bad, tiers = [], collections.Counter()
    cache = {}
    for r in rows:
        say = lambda what: bad.append(f"{r['id']}: {what}: {r['quote']!r}")
        if list(r) != FIELDS or r["label"] not in LABELS or r["kind"] not in KINDS:
            say("fields")
        if r["text_file"] not in cache:
            raw = (HERE / r["text_file"]).read_bytes().decode("utf-8")
            cache[r["text_file"]] = visible(raw, r["media"])
        text = cache[r["text_file"]]
        exact = bool(r["quote"].strip()) and spaces(r["quote"]) in spaces(text)
        loose = stands(r["quote"], text)
        known = "doubtful" in r["why"] or "cut-off word" in r["why"] or "the tail of" in r["why"]
        if r["label"] == "found":
            tier = "exact" if exact else "typography" if loose else "pieces" if pieces_stand(r["quote"], text) else ""
            if not tier and r["lang"] == "tr" and stands(dotless(r["quote"]), dotless(text)):
                tier = "typography"
            tiers[tier or "none"] += 1
            if not tier:
                say("found, but not seen")
        elif r["label"] == "unreadable":
            if re.search(r"\w", text):
                say("unreadable, but there is text")
        else:
            if (exact or loose) and not known:
                say(f"{r['label']}, but it stands there")
            elif exact or loose:
                tiers["stands, but labelled otherwise (see why)"] += 1
        if not re.search(r"\w", text) and r["label"] != "unreadable":
            say("empty text")
        if (r["label"] == "altered") != bool(r["source_says"]):
            say("source_says")
        if r["source_says"] and not stands(r["source_says"], text):
            say(f"source_says is not there: {r['source_says']!r}")
        if r["label"] == "not_comparable" and r["kind"] == "verbatim":
            say("verbatim cannot be not_comparable")
    print(len(rows), dict(collections.Counter(r["label"] for r in rows)), dict(tiers))
    print("\n".join(bad) or "all checks hold")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
