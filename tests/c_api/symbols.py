"""Every function that qcal.h declares, and nothing else, is visible in libqcal_c, with a version."""
import re
import subprocess
import sys

header, library, nm = sys.argv[1:]
declared = set(re.findall(r"\b(qcal_\w+)\(", re.sub(r"/\*.*?\*/", "", open(header).read(), flags=re.S)))
listed = subprocess.run([nm, "-D", "--defined-only", "--with-symbol-versions", library], check=True,
                        capture_output=True, text=True).stdout.split("\n")
visible = {line.split()[-1] for line in listed if line and line.split()[-2] != "A"}
wanted = {name + "@@QCAL_1" for name in declared}
if visible != wanted or len(declared) < 15:
    sys.exit(f"missing: {sorted(wanted - visible)}\nnot in the header: {sorted(visible - wanted)}")
