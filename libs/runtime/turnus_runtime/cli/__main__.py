"""`python -m turnus_runtime.cli`."""

import sys

from turnus_runtime.cli import main

sys.exit(main())
