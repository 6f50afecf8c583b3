"""One pass over the lineage in a process of its own, to be killed: prints what goes on."""

import sys

from dataeng_assets.definitions import defs
from dataeng_assets.orchestration.lineage import materialize
from dataeng_assets.orchestration.runs import open_instance

if __name__ == "__main__":
    # runs redirect what their tools print, for the whole process
    materialize(defs(), open_instance(), lambda line: print(line, file=sys.__stdout__, flush=True))
