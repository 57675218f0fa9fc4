package moto_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// proxy stands before moto: it tells moto whose account it is, notes who changes what, and answers
// what moto lacks.
type proxy struct {
	server *httptest.Server

	mu     sync.Mutex
	writes map[string][]string // by account: the names of the operations that change something
}

// lacking are operations that moto does not know, and what AWS answers where there are none of what
// is asked for.
var lacking = map[string]string{
	"DescribeBlueGreenDeployments": `<DescribeBlueGreenDeploymentsResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/">` +
		`<DescribeBlueGreenDeploymentsResult><BlueGreenDeployments/></DescribeBlueGreenDeploymentsResult>` +
		`<ResponseMetadata><RequestId>e2e</RequestId></ResponseMetadata></DescribeBlueGreenDeploymentsResponse>`,
}

func newProxy(moto string) (*proxy, error) {
	target, err := url.Parse(moto)
	if err != nil {
		return nil, fmt.Errorf("put a proxy before moto: %w", err)
	}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	p := &proxy{writes: map[string][]string{}}
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
	if reads.MatchString(operation) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes[account] = append(p.writes[account], operation)
}

// changes are the operations that changed something in an account since the last time it was asked.
func (p *proxy) changes(account string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	some := p.writes[account]
	delete(p.writes, account)
	return some
}
