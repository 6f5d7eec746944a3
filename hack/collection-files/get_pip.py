"""Stands in for the script that ansible-test would fetch to bring pip into its environments: from the registry alone."""

import subprocess
import sys

subprocess.run([sys.executable, "-m", "ensurepip", "--upgrade"], check=True, stdout=subprocess.DEVNULL)
subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *(a for a in sys.argv[1:] if a not in ("--no-setuptools", "--no-wheel"))], check=True)
