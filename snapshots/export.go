package snapshots

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Export is a whole snapshot outside of a store: its items as they are stored, damaged ones too, and
// what shows that none was lost or altered since. The messages that have been seen are not in it: its
// orders name their alarms, and by these a later one is judged.
type Export struct {
	Format   string     `json:"format"`  // ExportFormat
	Version  int        `json:"version"` // ExportVersion
	Account  string     `json:"account"`
	Snapshot string     `json:"snapshot"`
	Records  []Exported `json:"records"` // by key
	Whole    Whole      `json:"whole"`
}

// What an export says it is. A reader reads no other version.
const (
	ExportFormat  = "aws-hit-breaks snapshot"
	ExportVersion = 1
)

// Exported is a stored item.
type Exported struct {
	PK       string `json:"pk"`
	SK       string `json:"sk"`
	Version  int    `json:"version"`
	Body     string `json:"body"` // JSON, byte for byte
	Checksum string `json:"checksum"`
	Expires  int64  `json:"expires,omitempty"`
	// Damaged says why the item cannot be used, and that it is exported all the same.
	Damaged string `json:"damaged,omitempty"`
}

// Whole is what the items of an export come to.
type Whole struct {
	Count    int    `json:"count"`
	Checksum string `json:"checksum"`
}

// Portion is as much of an export as one answer of a function holds.
type Portion struct {
	Records []Exported `json:"records"`
	Next    string     `json:"next,omitempty"` // where the next portion begins; empty after the last
}

// MaxPortion is how many bytes of JSON the records of a portion take: Lambda takes 6 MB in one request,
// and answers as much (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const MaxPortion = 4 << 20

// ErrMoved: a run has written to what is being exported. It can be exported again.
var ErrMoved = errors.New("a run has written to it meanwhile; do it again")

// exported is a record as an export holds it. Where its text is not valid, which no record of ours is,
// what stands for it in JSON is what is exported.
func exported(r Record) Exported {
	valid := func(text string) string { return strings.ToValidUTF8(text, "\ufffd") }
	x := Exported{PK: r.PK, SK: r.SK, Version: r.Version, Body: valid(r.Body), Checksum: valid(r.Checksum), Expires: r.Expires}
	x.Damaged = x.damage()
	return x
}

func (x Exported) record() Record {
	return Record{Key: Key{x.PK, x.SK}, Version: x.Version, Body: x.Body, Checksum: x.Checksum, Expires: x.Expires}
}

// damage says why the item cannot be used; empty where it can.
func (x Exported) damage() string {
	r := x.record()
	bodies := map[class]body{
		liveClass: &Live{}, headerClass: &Header{}, leaseClass: &Lease{}, coverageClass: &coverage{},
		originalClass: &original{}, partClass: &part{}, stateClass: &state{},
	}
	n, _ := parse(r.Key)
	b, known := bodies[n.class]
	if !known {
		return "unknown item"
	}
	if fault := decode(r, b); fault != nil {
		return fault.Why
	}
	return ""
}

// size is how many bytes of JSON the item takes.
func (x Exported) size() int {
	text, _ := json.Marshal(x) // strings and numbers
	return len(text) + 1
}

func (x Exported) compare(o Exported) int {
	return slices.Compare([]string{x.PK, x.SK}, []string{o.PK, o.SK})
}

// wholeOf is what items come to, in the order of their keys.
func wholeOf(records []Exported) Whole {
	var texts []string
	for _, x := range records {
		texts = append(texts, x.PK, x.SK, strconv.Itoa(x.Version), x.Body, x.Checksum, strconv.FormatInt(x.Expires, 10))
	}
	return Whole{len(records), digest(texts...)}
}

// NewExport makes an export of all its portions.
func NewExport(account, snapshot string, portions ...Portion) Export {
	e := Export{Format: ExportFormat, Version: ExportVersion, Account: account, Snapshot: snapshot, Records: []Exported{}}
	for _, p := range portions {
		e.Records = append(e.Records, p.Records...)
	}
	slices.SortFunc(e.Records, Exported.compare)
	e.Whole = wholeOf(e.Records)
	return e
}

// Write writes the export as JSON, an item a line.
func (e Export) Write(w io.Writer) error {
	records := e.Records
	e.Records = []Exported{}
	frame, err := plainJSON(e)
	if err != nil {
		return err
	}
	before, after, _ := strings.Cut(frame, `"records":[]`)
	var text strings.Builder
	text.WriteString(before + `"records":[`)
	for i, x := range records {
		line, err := plainJSON(x)
		if err != nil {
			return err
		}
		text.WriteString(strings.Repeat(",", min(i, 1)) + "\n" + line)
	}
	text.WriteString("\n]" + after + "\n")
	_, err = io.WriteString(w, text.String())
	return err
}

func plainJSON(v any) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return strings.TrimSuffix(text.String(), "\n"), err
}

// ReadExport reads an export strictly: what is not exactly what was written is refused.
func ReadExport(r io.Reader) (Export, error) {
	var e Export
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&e); err != nil {
		return Export{}, fmt.Errorf("it is no export of a snapshot: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Export{}, errors.New("it goes on after its end")
	}
	switch {
	case e.Format != ExportFormat:
		return Export{}, fmt.Errorf("it is no export of a snapshot: its format is %q, not %q", e.Format, ExportFormat)
	case e.Version != ExportVersion:
		return Export{}, fmt.Errorf("unknown version %d of an export; this aws-hit-breaks knows %d: use a newer one", e.Version, ExportVersion)
	case !slices.IsSortedFunc(e.Records, Exported.compare):
		return Export{}, errors.New("altered: its items are not in order")
	case wholeOf(e.Records) != e.Whole:
		return Export{}, fmt.Errorf("altered or cut: its %d items are not the %d that were exported", len(e.Records), e.Whole.Count)
	}
	return e, checkRecords(e.Account, e.Snapshot, e.Records)
}

// Damages are the items that cannot be used.
func (e Export) Damages() []Fault {
	var faults []Fault
	for _, x := range e.Records {
		if x.Damaged != "" {
			faults = append(faults, *x.record().fault(x.Damaged))
		}
	}
	return faults
}

// Live says whether the snapshot was live when it was exported.
func (e Export) Live() bool {
	key := (&Live{Account: e.Account}).name().key()
	return slices.ContainsFunc(e.Records, func(x Exported) bool { return x.record().Key == key })
}

// Portions cuts the export into pieces, in the order in which they are imported: header and LIVE, which
// make the snapshot be there, are the last.
func (e Export) Portions() [][]Exported {
	var all [][]Exported
	var outside []Exported
	room := 0
	for _, x := range e.Records {
		if x.PK == accountPK(e.Account) {
			outside = append(outside, x)
			continue
		}
		if room -= x.size(); room < 0 || len(all) == 0 {
			all = append(all, nil)
			room = MaxPortion - x.size()
		}
		all[len(all)-1] = append(all[len(all)-1], x)
	}
	return append(all, outside)
}

// cursor is where a portion begins.
type cursor struct {
	Region string `json:"region"`
	After  string `json:"after"` // the last SK of the region that was read
	Lease  string `json:"lease"` // its lease then
	Outer  string `json:"outer"` // what the snapshot was then, as a whole
}

// Export reads a portion of a snapshot, from where the last one said that this begins; the first from
// "". Each region is read between two writes of whoever works there, and all of them while the snapshot
// has the same regions; otherwise ErrMoved. Leases are exported as given back: who has one now has none
// where the snapshot is imported.
func (b *Book) Export(ctx context.Context, account, snapshot, from string) (Portion, error) {
	p, err := b.export(ctx, account, snapshot, from)
	if err != nil {
		return Portion{}, fmt.Errorf("export snapshot %s of account %s: %w", snapshot, account, err)
	}
	return p, nil
}

func (b *Book) export(ctx context.Context, account, snapshot, from string) (Portion, error) {
	var at cursor
	if from != "" {
		if err := json.Unmarshal([]byte(from), &at); err != nil {
			return Portion{}, fmt.Errorf("%q is no place in an export", from)
		}
	}
	o, err := b.outer(ctx, account, snapshot)
	if err != nil {
		return Portion{}, err
	}
	if from != "" && at.Outer != o.mark() {
		return Portion{}, ErrMoved
	}
	p := Portion{Records: []Exported{}}
	room := MaxPortion
	for _, region := range o.regions {
		if region < at.Region {
			continue
		}
		records, lease, err := b.still(ctx, shardPK(snapshot, region))
		if err != nil {
			return Portion{}, fmt.Errorf("%s: %w", region, err)
		}
		after := ""
		if region == at.Region {
			if after = at.After; at.Lease != lease {
				return Portion{}, fmt.Errorf("%s: %w", region, ErrMoved)
			}
		}
		for _, r := range records {
			if r.SK <= after {
				continue
			}
			x := exported(r)
			if room -= x.size(); room < 0 && len(p.Records) > 0 {
				next, err := json.Marshal(cursor{Region: region, After: after, Lease: lease, Outer: o.mark()})
				p.Next = string(next)
				return p, err
			}
			p.Records, after = append(p.Records, x), r.SK
		}
	}
	last, err := b.outer(ctx, account, snapshot)
	if err != nil {
		return Portion{}, err
	}
	if last.mark() != o.mark() {
		return Portion{}, ErrMoved
	}
	for _, r := range last.records { // it may have got an order meanwhile, which its items need not know
		p.Records = append(p.Records, exported(r))
	}
	return p, nil
}

// outer is what of a snapshot is not in a region.
type outer struct {
	header  *Header // nil where it cannot be read
	live    *Live   // nil where it is closed
	records []Record
	regions []string // sorted
}

// mark changes when regions are added or the snapshot is closed.
func (o outer) mark() string {
	return digest(append(slices.Clone(o.regions), strconv.FormatBool(o.live != nil))...)
}

// outer reads what says which regions the snapshot has. Without that it is not known what belongs to it.
func (b *Book) outer(ctx context.Context, account, snapshot string) (outer, error) {
	s, header, live, err := b.frame(ctx, account, snapshot)
	if err != nil {
		return outer{}, err
	}
	var records []Record
	if header != nil {
		records = append(records, *header)
	}
	if s.Live != nil {
		records = append(records, *live)
	}
	return s.outer(records)
}

// outer says which regions a snapshot has, of which nothing but header and LIVE have been read.
func (s *Snapshot) outer(records []Record) (outer, error) {
	o := outer{live: s.Live, records: records}
	if !failed(s.Faults, headerClass) {
		o.header = &s.Header
	}
	switch {
	case o.live != nil:
		o.regions = o.live.Regions
	case o.header == nil:
		return outer{}, s.Faults[0]
	case o.header.Closed.IsZero():
		missing := Record{Key: (&Live{Account: s.Header.Account}).name().key()}
		return outer{}, *missing.fault("missing, of another snapshot or unreadable, although the snapshot was never closed: its regions are not known")
	default:
		o.regions = o.header.Regions
	}
	o.regions = slices.Compact(slices.Sorted(slices.Values(o.regions)))
	return o, nil
}

// stillTries is how often a region is read that a run is writing to.
const stillTries = 6

// still reads a partition as it was between two writes, by its lease, which every write changes.
func (b *Book) still(ctx context.Context, pk string) (records []Record, lease string, err error) {
	before, err := b.get(ctx, LeaseKey(pk))
	if err != nil {
		return nil, "", err
	}
	for n := range stillTries {
		if err := pause(ctx, pk, n-1); err != nil {
			return nil, "", err
		}
		records, err := b.query(ctx, pk, "", 0)
		if err != nil {
			return nil, "", err
		}
		after, err := b.get(ctx, LeaseKey(pk))
		if err != nil {
			return nil, "", err
		}
		if checksumOf(before) == checksumOf(after) {
			return freedLeases(records), checksumOf(after), nil
		}
		before = after
	}
	return nil, "", ErrMoved
}

func checksumOf(r *Record) string {
	if r == nil {
		return ""
	}
	return r.Checksum + digest(r.Body)
}

func freedLeases(records []Record) []Record {
	for i, r := range records {
		if n, _ := parse(r.Key); n.class == leaseClass {
			if free, ok := r.Freed(); ok {
				records[i] = free
			}
		}
	}
	return records
}
