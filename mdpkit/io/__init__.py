"""File formats and other libraries' objects, in and out."""

from mdpkit.io.csv_file import read_csv, write_csv
from mdpkit.io.files import read, write
from mdpkit.io.gym import from_gymnasium
from mdpkit.io.mdptoolbox import from_mdptoolbox
from mdpkit.io.quantecon import from_quantecon

__all__ = ["from_gymnasium", "from_mdptoolbox", "from_quantecon", "read", "read_csv", "write", "write_csv"]
