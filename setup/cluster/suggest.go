package cluster

import "strings"

// Nearest returns the candidate that somebody who wrote word most likely meant,
// or "" when none is near.
func Nearest(word string, candidates []string) string { return nearest(word, candidates) }

// nearest returns the candidate that is most likely meant by word, or "" when
// none is near. Candidates that start alike win over such that do not.
func nearest(word string, candidates []string) string {
	best, bestDistance := "", 0
	for _, c := range candidates {
		distance := editDistance(strings.ToLower(word), strings.ToLower(c))
		if short, _, ok := strings.Cut(c, "."); ok && short == word {
			distance = 1 // a host name without its domain
		}
		if best == "" || distance < bestDistance {
			best, bestDistance = c, distance
		}
	}
	allowed := 0 // short words resemble everything
	switch shorter := min(len(word), len(best)); {
	case shorter >= 5:
		allowed = (shorter + 1) / 3
	case shorter >= 3:
		allowed = 1
	}
	if bestDistance > allowed && !strings.HasPrefix(best, word+".") {
		return ""
	}
	return best
}

// editDistance is the number of letters to insert, remove, replace or swap
// with their neighbour to make b of a.
func editDistance(a, b string) int {
	if len(a) > 256 || len(b) > 256 {
		return 256
	}
	previous, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], previous[j-1]+1)
			}
		}
		previous, row, next = row, next, previous
	}
	return row[len(b)]
}
