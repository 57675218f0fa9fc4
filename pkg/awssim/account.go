// Package awssim is a simulated AWS account behind an aws.Config.
//
// Clients, paginators, waiters, validation and retries are the SDK's own: middleware in the SDK's
// stack takes the typed input at Initialize and answers right below the step named Retry, so that
// only the wire is replaced. The account models what hurts a tool that stops and starts things:
// transitions that take time, reads that lag, token buckets, batches refused whole for one member.
// What it does not model it refuses aloud, see [Account.Unmodelled].
//
// In a testing/synctest bubble ([Options.Idle] = synctest.Wait) all time is virtual and every run
// with the same seed is the same run: calls park at one scheduler, which releases them one at a
// time in an order that depends on the seed and on nothing else. Outside a bubble the account runs
// in real time, divided by [Options.Speed].
//
// The package may import the AWS SDK and the standard library, never the engine, the services or
// the snapshots: a fake shares no code with what it checks. It is linked into the shipped demo, so
// it never imports testing.
package awssim

import (
	"container/heap"
	"encoding/binary"
	"hash/fnv"
	"sync"
	"time"
)

// Options say what account to simulate and how time passes in it.
type Options struct {
	ID   string // account id, default "111122223333"
	Seed uint64 // decides latencies, durations and the order of simultaneous calls
	// Idle returns when every other goroutine is blocked: synctest.Wait. The account then runs its
	// own goroutine, which calls Idle, so nothing else in the bubble may call it. Nil: real time.
	Idle func()
	// Speed divides every duration when Idle is nil; default 1.
	Speed float64
	// Regions are the enabled regions, default seventeen of them.
	Regions []string
	// ConflictRate is the share of DynamoDB transactions that are cancelled among those that overlap
	// in time with another write of one of their items; default 0.5, negative for none.
	ConflictRate float64
	// ShortPages is the most that a page of a listing holds, whatever the caller asks for; 0 for no
	// limit. AWS may give fewer than asked for, and more pages:
	// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-pagination.html
	// What is asked for by id comes whole.
	ShortPages int
	// ReadLag is the longest for which reads of EC2 may show what was before a change; default 3 s.
	ReadLag time.Duration
	// Fault is asked once for every attempt, in the order the attempts are made. It may be nil.
	Fault func(Call) Fault
	// Changed is told what a resource does from an instant on, see [Account.Doing]. It is called in the
	// order of time, with the account locked: it must not call the account. It may be nil.
	Changed func(at time.Time, resource, doing string)
}

// Account is one simulated AWS account. Its methods are safe for concurrent use.
type Account struct {
	id    string
	seed  uint64
	idle  func()
	speed float64
	fault func(Call) Fault
	tell  func(at time.Time, resource, doing string)

	conflictRate float64
	shortPages   int
	readLag      time.Duration

	operations map[string]operation // by service:operation

	mu          sync.Mutex // guards everything below, and the state of every service
	alias       string
	regions     map[string]*region
	names       []string // of the enabled regions, in DescribeRegions' order
	transitions transitions
	scheduled   int // transitions ever scheduled, breaks ties
	latest      time.Time
	buckets     map[string]*bucket
	trace       []*Call
	unmodelled  []string
	occurrences map[uint64]int
	// incarnations counts what has had a name, for names that may be given again.
	incarnations map[string]int
	processes    map[string]*Process
	queue        queue

	budgets  []Budget
	roles    []*Role
	sessions map[string]*session // by access key

	products []*Listed // of the price list, by SKU; nil until somebody asks
	spots    []SpotPrice

	began  time.Time     // real time mode: account time starts here
	jumped time.Duration // real time mode: what Jump has added

	done chan struct{} // closed by Shutdown
	shut sync.Once
	wake chan struct{} // an attempt has arrived at the scheduler
}

// New makes an account with nothing in it. In a bubble it starts one goroutine, which Shutdown ends.
func New(o Options) *Account {
	a := &Account{
		id: o.ID, seed: o.Seed, idle: o.Idle, speed: o.Speed, fault: o.Fault, tell: o.Changed,
		conflictRate: o.ConflictRate,
		shortPages:   o.ShortPages,
		readLag:      o.ReadLag,
		operations:   map[string]operation{},
		regions:      map[string]*region{},
		names:        o.Regions,
		buckets:      map[string]*bucket{},
		occurrences:  map[uint64]int{},
		incarnations: map[string]int{},
		processes:    map[string]*Process{},
		sessions:     map[string]*session{},
		queue:        queue{taken: map[int64]bool{}},
		began:        time.Now(),
		done:         make(chan struct{}),
		wake:         make(chan struct{}, 1),
	}
	if a.id == "" {
		a.id = "111122223333"
	}
	if a.speed == 0 || a.idle != nil {
		a.speed = 1
	}
	if a.conflictRate == 0 {
		a.conflictRate = 0.5
	}
	if a.readLag == 0 {
		a.readLag = maxLag
	}
	if len(a.names) == 0 {
		a.names = enabledByDefault()
	}
	for _, name := range a.names {
		a.regions[name] = newRegion(name)
	}
	for _, op := range operations() {
		a.operations[op.service+":"+op.name] = op
	}
	if a.idle != nil {
		go a.schedule()
	}
	return a
}

// ID is the account's twelve digits.
func (a *Account) ID() string { return a.id }

// Now is the account's time: the bubble's, or in real time mode the real time since New times Speed,
// and what was jumped.
func (a *Account) Now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now()
}

// now is Now for who holds the mutex.
func (a *Account) now() time.Time {
	if a.idle != nil {
		return time.Now()
	}
	passed := time.Duration(float64(time.Since(a.began)) * a.speed)
	return a.began.Add(passed + a.jumped).Round(0)
}

// Jump moves account time forward. In a bubble it sleeps, so that every timer in it fires.
func (a *Account) Jump(d time.Duration) {
	if a.idle != nil {
		time.Sleep(d)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.jumped += d
	a.advance(a.now())
}

// Shutdown releases everything parked with an error and ends the scheduler, so that a bubble can
// end. Calls made later fail at once.
func (a *Account) Shutdown() { a.shut.Do(func() { close(a.done) }) }

// Trace is every attempt so far, in the order they were made.
func (a *Account) Trace() []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	calls := make([]Call, len(a.trace))
	for i, c := range a.trace {
		calls[i] = *c
	}
	return calls
}

// Unmodelled names the operations, filters and parameters that somebody used and the account does
// not model, in the order of their first use. A test that leaves any has proved nothing.
func (a *Account) Unmodelled() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.unmodelled...)
}

// region is the state of an enabled region, nil for any other.
func (a *Account) region(name string) *region { return a.regions[name] }

// transition is something AWS does by itself at a time.
type transition struct {
	at  time.Time
	key string
	seq int
	do  func(now time.Time)
}

// at schedules do for the account time t. There is no goroutine behind it: transitions run in the
// order of their time, then key, then scheduling, whenever the account is next looked at. do runs
// with the account's mutex held and gets t as now. The caller holds the mutex.
func (a *Account) at(t time.Time, key string, do func(now time.Time)) {
	a.scheduled++
	heap.Push(&a.transitions, transition{t, key, a.scheduled, do})
}

// advance runs what is due by now. Every look at the account's state is preceded by it.
func (a *Account) advance(now time.Time) {
	if now.Before(a.latest) {
		now = a.latest
	}
	for len(a.transitions) > 0 && !a.transitions[0].at.After(now) {
		t := heap.Pop(&a.transitions).(transition)
		t.do(t.at)
	}
	a.latest = now
}

// look runs do with the mutex held and everything due done.
func (a *Account) look(do func(now time.Time)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	a.advance(now)
	do(now)
}

// vary picks a duration between min and max from the seed and the key alone, so that it does not
// depend on the order of calls.
func (a *Account) vary(key string, min, max time.Duration) time.Duration {
	if max <= min {
		return min
	}
	return min + time.Duration(hash(a.seed, key)%uint64(max-min+1))
}

// hash mixes the seed and the parts into 64 well-spread bits.
func hash(seed uint64, parts ...string) uint64 {
	h := fnv.New64a()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	h.Write(b[:])
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	// FNV's low bits are weak for short input: finish as splitmix64 does.
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// transitions is a heap by time, key and order of scheduling.
type transitions []transition

func (t transitions) Len() int { return len(t) }
func (t transitions) Less(i, j int) bool {
	if c := t[i].at.Compare(t[j].at); c != 0 {
		return c < 0
	}
	if t[i].key != t[j].key {
		return t[i].key < t[j].key
	}
	return t[i].seq < t[j].seq
}
func (t transitions) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *transitions) Push(x any)   { *t = append(*t, x.(transition)) }
func (t *transitions) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}
