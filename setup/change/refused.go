package change

// RefusedError says that something was refused as unsafe, and nothing was done: commands end with status 3.
type RefusedError struct{ error }

// Refused makes an error a refusal.
func Refused(err error) error { return RefusedError{err} }

// Unwrap returns why it was refused.
func (e RefusedError) Unwrap() error { return e.error }
