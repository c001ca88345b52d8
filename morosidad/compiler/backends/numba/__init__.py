"""Machine code by numba, for trees and for tables; imported only where numba is installed."""
