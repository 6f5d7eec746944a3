package cluster

// validator checks a decoded cluster. It gets the file's tree beside the Go
// values: the tree knows where everything stands, and which values could not
// be decoded and need no second word.
type validator struct {
	r *reporter
	c *Cluster
}

func (v validator) file(root *node) {
	_ = root
}
