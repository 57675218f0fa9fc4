// Package dynamolocal gives tests a DynamoDB: AWS's own DynamoDB Local, which keeps to conditions
// and transactions but knows neither conflicts nor throttles.
package dynamolocal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Folder is where `make tools` puts DynamoDB Local, from the root of the module.
const Folder = ".tools/dynamodb-local"

// Config is for a DynamoDB Local: the one at the URL in DYNAMODB_LOCAL, or one that is started from
// Folder and stopped with the test. Without either the test is skipped, or fails where everything
// has to run (CI or AWS_HIT_BREAKS_ALL is 1).
func Config(t *testing.T) aws.Config {
	t.Helper()
	url := os.Getenv("DYNAMODB_LOCAL")
	if url == "" {
		jars := filepath.Join(moduleRoot(t), Folder)
		if _, err := os.Stat(jars); err != nil {
			missing := "DynamoDB Local is not installed in " + jars + ": `make tools` installs it; " +
				"or set DYNAMODB_LOCAL to the URL of one that runs"
			if os.Getenv("CI") == "1" || os.Getenv("AWS_HIT_BREAKS_ALL") == "1" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		}
		var err error
		var stop func() error
		url, stop, err = Start(t.Context(), jars)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
	return aws.Config{
		Region:       "eu-west-1",
		BaseEndpoint: &url,
		Credentials:  credentials.NewStaticCredentialsProvider("AKIALOCAL", "local", ""),
	}
}

// moduleRoot is the folder of go.mod, above that of the test.
func moduleRoot(t *testing.T) string {
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			t.Fatal("no go.mod above the test")
		}
		folder = filepath.Dir(folder)
	}
}

// startWithin is how long a Java machine may take to serve on a busy computer.
const startWithin = time.Minute

// Start runs the DynamoDB Local whose jars are in the folder, in memory, on a free port of this
// computer, until stop.
func Start(ctx context.Context, jars string) (url string, stop func() error, err error) {
	port, err := freePort(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("start DynamoDB Local: %w", err)
	}
	var said lockedBuffer
	java := exec.Command("java", "-Xmx256m", "-Djava.library.path="+jars, "-cp", filepath.Join(jars, "*"),
		"software.amazon.dynamodb.services.local.main.ServerRunner", "-inMemory", "-disableTelemetry", "-port", strconv.Itoa(port))
	java.Stdout, java.Stderr = &said, &said
	if err := java.Start(); err != nil {
		return "", nil, fmt.Errorf("start DynamoDB Local: %w", err)
	}
	ended := make(chan struct{})
	var cause error // of the end
	go func() {
		defer close(ended)
		cause = java.Wait()
	}()
	stop = func() error {
		if err := java.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop DynamoDB Local: %w", err)
		}
		<-ended
		return nil
	}
	url = "http://127.0.0.1:" + strconv.Itoa(port)
	for deadline := time.Now().Add(startWithin); ; time.Sleep(100 * time.Millisecond) {
		if serves(ctx, url) {
			return url, stop, nil
		}
		select {
		case <-ended:
			return "", nil, errors.Join(fmt.Errorf("DynamoDB Local has ended: %s", said.lastLine()), cause)
		default:
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return "", nil, errors.Join(fmt.Errorf("DynamoDB Local does not answer at %s: %s", url, said.lastLine()), stop())
		}
	}
}

// serves says whether something answers HTTP at the URL. DynamoDB Local answers 400 to what is no
// request of its own.
func serves(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return answer.Body.Close() == nil
}

func freePort(ctx context.Context) (int, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

// lockedBuffer is what the process said. exec writes it while it is read.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) lastLine() (last string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for lines := bufio.NewScanner(bytes.NewReader(b.text.Bytes())); lines.Scan(); {
		last = lines.Text()
	}
	return last
}

// CreateTable makes a table as the deployment does, without what only AWS has.
func CreateTable(ctx context.Context, cfg aws.Config, name string) error {
	_, err := dynamodb.NewFromConfig(cfg).CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("PK"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("SK"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("PK"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("SK"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		return fmt.Errorf("create table %s: %w", name, err)
	}
	return nil
}
