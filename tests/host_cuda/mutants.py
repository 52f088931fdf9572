"""Mutants of CUDA sources, derived by rule: each is one small mistake in device code."""
import dataclasses
import hashlib
import re


@dataclasses.dataclass(frozen=True)
class Mutant:
    file: str  # relative to the root of the project
    rule: str
    start: int
    end: int
    replacement: str
    line_number: int
    line: str  # as it stands in the file, without its indentation
    mutated_line: str

    def apply(self, text):
        return text[:self.start] + self.replacement + text[self.end:]

    def order(self):
        """The same wherever the line stands in its file."""
        return hashlib.sha256(f"{self.file}|{self.rule}|{self.line}|{self.mutated_line}".encode()).hexdigest()


def substitution(pattern, replacement):
    """A rule's sites: wherever the pattern matches."""
    def sites(text):
        for match in re.finditer(pattern, text):
            yield match.start(), match.end(), replacement(match) if callable(replacement) else match.expand(replacement)
    return sites


def arguments(text, opening):
    """The arguments of the call whose parenthesis stands at `opening`, and the end of the call."""
    depth = 0
    parts = [""]
    for position in range(opening, len(text)):
        character = text[position]
        depth += character in "([{"
        depth -= character in ")]}"
        if depth == 0:
            return [part.strip() for part in parts], position + 1
        if character == "," and depth == 1:
            parts.append("")
        elif position > opening:
            parts[-1] += character
    raise ValueError("a call without an end")


PLAIN_UPDATES = {
    "Add": "*({0}) += ({1})",
    "Max": "*({0}) = *({0}) < ({1}) ? ({1}) : *({0})",
    "Min": "*({0}) = ({1}) < *({0}) ? ({1}) : *({0})",
    "Or": "*({0}) |= ({1})",
    "Exch": "*({0}) = ({1})",
}


def weakened_atomics(text):
    for match in re.finditer(rf"\batomic({'|'.join(PLAIN_UPDATES)})\(", text):
        parts, end = arguments(text, match.end() - 1)
        yield match.start(), end, "(" + PLAIN_UPDATES[match[1]].format(*parts) + ")"


RULES = {
    "barrier dropped": substitution(r"__sync(threads|warp)\([^()]*\);", ";"),
    "fence dropped": substitution(r"__threadfence\(\);", ";"),
    "atomic weakened": weakened_atomics,
    "mask halved": substitution(r"\b0xffffffffu?\b|\b(full_warp|everyone|all_lanes)\b(?! =)", "0x0000ffffu"),
    "shuffle distance": substitution(r"(__shfl_\w+\([^;]*?, )(\w+)\)", r"\1\2 + 1)"),
    "lane off by one": substitution(r"\b((?:threadIdx\.x(?: % \w+)?|lane|quarter|thread|rank)) == 0\b", r"\1 == 1"),
    "lane for warp": substitution(r"\b(threadIdx\.x\)?) % ", r"\1 / "),
    "warp for lane": substitution(r"\b(threadIdx\.x\)?) / ", r"\1 % "),
    "thread ignored": substitution(r"(?<= = )static_cast<int>\(threadIdx\.x\)(?=;)", "0"),
    "stride doubled": substitution(r"(; \w+ \+= )([^;)]+\))", r"\g<1>2 * \2"),
    "step doubled": substitution(r"(; \w+ )\*= 2\)", r"\1*= 4)"),
    "reduction cut short": substitution(r"(= \w+) / 2; ", r"\1 / 4; "),
    "bound reached": substitution(r"(?<=\w|\)) < (?=[\w(])", " <= "),
    "bound missed": substitution(r"(?<=[\w)]) < (\w+)(?=[;)])", r" + 1 < \1"),
    "comparison turned": substitution(r"(?<=[\w)]) (<|>) (?=[\w(])", lambda m: " > " if m[1] == "<" else " < "),
    "comparison strict": substitution(r"(?<=[\w)]) ([<>])= (?=[\w(])", r" \1 "),
    "equality negated": substitution(r" == ", " != "),
    "and for or": substitution(r" (&&|\|\|) ", lambda m: " || " if m[1] == "&&" else " && "),
    "remainder for quotient": substitution(r"(?<=[\w)]) / (?=[\w(])", " % "),
    "sum for difference": substitution(r"(?<=[\w)\]]) - (?=[\w(])", " + "),
    "difference for sum": substitution(r"(?<=[\w)\]]) \+ (?=[\w(])", " - "),
    "factor dropped": substitution(r"(?<=[\w)\]]) \* (\w+|\([^()]*\))", ""),
    "start off by one": substitution(r"(?<=\w = )0;", "1;"),
    "identity changed": substitution(r"\b0u(?=, \w+\{\}\))", "1u"),
    "store dropped": substitution(r"(?<=[;{})]\s)\s*\w+\[[^;=]*\] = [^;]+;", " ;"),
    "count doubled": substitution(r", 1u?\)", ", 2)"),
    "increment dropped": substitution(r"\+\+(?=[\w.]+;)", ""),
    "accumulation lost": substitution(r" \+= (?=[^;)]*;)", " = "),
    "condition dropped": substitution(r"\bif \((?!constexpr)([^()]*(?:\([^()]*\)[^()]*)*)\) (?=[\w{])", "if (true) "),
    "branch dropped": substitution(r"\bif \((?!constexpr)([^()]*(?:\([^()]*\)[^()]*)*)\) (?=[\w{])", "if (false) "),
}


def blanked(text):
    """The text without comments, strings and declarations that no rule is about, every character in its place."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    passed_over = r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|#pragma[^\n]*|(?:static_assert|QCAL_SHARED_ARRAY)\([^;]*;'
    return re.sub(passed_over, blank, text, flags=re.S)


def device_functions(text):
    """The spans of functions marked __device__ or __global__, up to their closing braces."""
    end = 0
    for match in re.finditer(r"__(?:device|global)__", text):
        if match.start() < end:
            continue
        depth = 0
        for position in range(text.index("{", match.end()), len(text)):
            depth += (text[position] == "{") - (text[position] == "}")
            if depth == 0:
                end = position + 1
                yield match.start(), end
                break


def mutants_of(root, file):
    text = (root / file).read_text()
    code = blanked(text)
    spans = list(device_functions(code))
    for rule, sites in RULES.items():
        for start, end, replacement in sites(code):
            if not any(begin <= start < stop for begin, stop in spans):
                continue
            first = text.rfind("\n", 0, start) + 1
            last = text.find("\n", end)
            yield Mutant(str(file), rule, start, end, replacement, text.count("\n", 0, start) + 1,
                         text[first:last].strip(), (text[first:start] + replacement + text[end:last]).strip())


def every_mutant(root, sources):
    """Of a file, or of the .cu and .cuh files in a folder."""
    files = [sources] if sources.is_file() else sources.rglob("*.cu*")
    names = sorted(file.relative_to(root) for file in files if file.name != "gpu_source.cuh")
    return [mutant for name in names for mutant in mutants_of(root, name)]


def sample(mutants, count):
    """A mutant of each rule in turn until there are `count`, in an order that only the code itself decides."""
    by_rule = {}
    for mutant in sorted(mutants, key=Mutant.order):
        by_rule.setdefault(mutant.rule, []).append(mutant)
    chosen = []
    while len(chosen) < count and any(by_rule.values()):
        for rule in sorted(by_rule):
            if by_rule[rule] and len(chosen) < count:
                chosen.append(by_rule[rule].pop(0))
    return chosen
