"""Methods for problems nested in one another."""

from ._descent import BilevelDescent as BilevelDescent
