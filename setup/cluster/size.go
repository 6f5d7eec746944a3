package cluster

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

const pageSize = 4096

// sizeUnits are the unit letters in ascending order; each is 1,024 times the
// one before.
const sizeUnits = "kmgt"

// ParseSize reads a size such as 512m, 2G or 1048576. Units are powers of
// 1024.
func ParseSize(s string) (Size, error) {
	if !sizeRE.MatchString(s) {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	unit := int64(1)
	digits := strings.TrimRight(strings.ToLower(s), sizeUnits)
	if len(digits) < len(s) {
		unit = 1 << (10 * (strings.IndexByte(sizeUnits, strings.ToLower(s)[len(s)-1]) + 1))
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if errors.Is(err, strconv.ErrRange) || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is too large", s)
	}
	if err != nil {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	return Size(n * unit), nil
}

// String returns the size with the largest unit that divides it, as tmpfs's
// size option takes it: 512m, 2g, 1000.
func (s Size) String() string {
	n, unit := int64(s), ""
	for i := 0; i < len(sizeUnits) && n != 0 && n%1024 == 0; i++ {
		n, unit = n/1024, sizeUnits[i:i+1]
	}
	return strconv.FormatInt(n, 10) + unit
}

// MarshalText writes the size as String does.
func (s Size) MarshalText() ([]byte, error) {
	return []byte(s.String()), nil
}

// sizeHint says how the size that s tries to be is written.
func sizeHint(s string) string {
	const general = "write a whole number with k, m, g or t, such as 512m"
	if strings.HasSuffix(s, "%") {
		return "a share of the memory would differ between the nodes; " + general
	}
	unit := longUnit.FindStringSubmatch(s)
	if unit != nil {
		return "write " + unit[1] + strings.ToLower(unit[2])
	}
	return general
}
