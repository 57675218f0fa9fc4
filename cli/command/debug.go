package command

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	"gopkg.in/natefinch/lumberjack.v2"

	"aws-hit-breaks/pkg/awserr"
)

// logName is the name of the log file, beside the snapshot file.
const logName = "aws-hit-breaks.log"

// logged writes a line for every AWS call into a log file of bounded size, and with --debug to standard
// error too: what was called, where, how long it took, what came of it and AWS's own id of the request.
// What was sent and what was answered is never written: it may hold what a log should not.
func (c *cli) logged(config aws.Config) aws.Config {
	if c.log == nil {
		c.log = c.newLog()
	}
	log := c.log
	config = config.Copy()
	config.APIOptions = append(config.APIOptions[:len(config.APIOptions):len(config.APIOptions)], func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Log", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			began := time.Now()
			out, metadata, err := next.HandleInitialize(ctx, in)
			attrs := []slog.Attr{
				slog.String("call", awsmiddleware.GetServiceID(ctx)+" "+awsmiddleware.GetOperationName(ctx)),
				slog.String("region", awsmiddleware.GetRegion(ctx)), slog.Duration("took", time.Since(began)),
			}
			if id, ok := awsmiddleware.GetRequestIDMetadata(metadata); ok {
				attrs = append(attrs, slog.String("request", id))
			}
			level := slog.LevelInfo
			if err != nil {
				level = slog.LevelWarn
				attrs = append(attrs, slog.String("error", awserr.Explain(err)))
			}
			log.LogAttrs(ctx, level, "aws", attrs...)
			return out, metadata, err
		}), middleware.After)
	})
	return config
}

// newLog opens the log file, where there can be one.
func (c *cli) newLog() *slog.Logger {
	to := []io.Writer{}
	if path, err := c.File(); err == nil && os.MkdirAll(filepath.Dir(path), 0o700) == nil {
		file := &lumberjack.Logger{Filename: filepath.Join(filepath.Dir(path), logName), MaxSize: 5, MaxBackups: 3}
		c.closing = append(c.closing, file)
		to = append(to, file)
	}
	if c.debug {
		to = append(to, c.Err)
	}
	return slog.New(slog.NewJSONHandler(io.MultiWriter(to...), nil))
}
