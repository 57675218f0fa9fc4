package killswitch

import "context"

type fenceKey struct{}

// WithFence lets check decide, at the last moment before each attempt of an AWS call made with the
// context, whether the attempt may still begin. It is the one value the engine puts into a context:
// only there does it reach the SDK's own retries, which a process that was frozen for minutes would
// otherwise continue after its lease has ended.
func WithFence(ctx context.Context, check func() error) context.Context {
	return context.WithValue(ctx, fenceKey{}, check)
}

// Fence asks the fence of the context, if there is one.
func Fence(ctx context.Context) error {
	if check, ok := ctx.Value(fenceKey{}).(func() error); ok {
		return check()
	}
	return nil
}
