package moto_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// proxy stands before moto, and one before DynamoDB Local: it tells moto whose account it is, notes
// every call, strikes at the one that a test has chosen, and answers what moto lacks.
type proxy struct {
	server  *httptest.Server
	strikes *strikes

	mu    sync.Mutex
	noted map[string][]string // by account: the names of the operations
}

// lacking are operations that moto does not know, and what AWS answers where there are none of what
// is asked for.
var lacking = map[string]string{
	"DescribeBlueGreenDeployments": `<DescribeBlueGreenDeploymentsResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/">` +
		`<DescribeBlueGreenDeploymentsResult><BlueGreenDeployments/></DescribeBlueGreenDeploymentsResult>` +
		`<ResponseMetadata><RequestId>e2e</RequestId></ResponseMetadata></DescribeBlueGreenDeploymentsResponse>`,
}

func newProxy(to string, blows *strikes) (*proxy, error) {
	target, err := url.Parse(to)
	if err != nil {
		return nil, fmt.Errorf("put a proxy before %s: %w", to, err)
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil { // whoever was killed while it called has gone
				fmt.Fprintln(os.Stderr, "proxy:", err)
			}
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	p := &proxy{noted: map[string][]string{}, strikes: blows}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller has gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		operation := operationOf(r.Header, body)
		if answer, ok := lacking[operation]; ok {
			w.Header().Set("Content-Type", "text/xml")
			_, _ = io.WriteString(w, answer)
			return
		}
		// moto's own way to have several accounts; its variable MOTO_ACCOUNT_ID would allow for one.
		if key := accessKey.FindStringSubmatch(r.Header.Get("Authorization")); key != nil {
			r.Header.Set("X-Moto-Account-Id", key[1])
			p.note(key[1], operation)
			if blow := p.strikes.call(key[1]); blow != nil {
				if blow.how == unheard {
					forward.ServeHTTP(httptest.NewRecorder(), r)
				}
				blow.fall()
				return
			}
		}
		forward.ServeHTTP(w, r)
	}))
	return p, nil
}

// operationOf is the name of the operation in a request of the query or the JSON protocol.
func operationOf(header http.Header, body []byte) string {
	if target := header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndex(target, ".")+1:]
	}
	form, _ := url.ParseQuery(string(body)) // a body that is no form has no action
	return form.Get("Action")
}

var (
	reads     = regexp.MustCompile(`^(Describe|List|Get)`)
	accessKey = regexp.MustCompile(`Credential=AKIA([0-9]{12})/`)
)

// keyOf is the access key of an account.
func keyOf(account string) string { return "AKIA" + account }

func (p *proxy) note(account, operation string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noted[account] = append(p.noted[account], operation)
}

// calls are the operations called in an account since the last time this or changes was asked.
func (p *proxy) calls(account string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	some := p.noted[account]
	delete(p.noted, account)
	return some
}

// changes are those of calls that change something.
func (p *proxy) changes(account string) []string {
	return slices.DeleteFunc(p.calls(account), reads.MatchString)
}
