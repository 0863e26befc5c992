// late stands before a Prometheus and shows its newest samples late, as VictoriaMetrics does with -search.latencyOffset.
//
//	-to URL   the Prometheus
//	-by 30s   how late: at any moment nothing younger than that is seen
//
// A range selector's answer lacks the newest samples; any other query answers as of then, as if it were now. time() is right.
// What is no query goes through as it is.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"time"
)

type answer struct {
	Status    string          `json:"status"`
	Data      data            `json:"data"`
	ErrorType string          `json:"errorType,omitempty"`
	Error     string          `json:"error,omitempty"`
	Warnings  json.RawMessage `json:"warnings,omitempty"`
	Infos     json.RawMessage `json:"infos,omitempty"`
}

type data struct {
	Type   string          `json:"resultType"`
	Result json.RawMessage `json:"result"`
}

// series is one of a vector (Value or Histogram) or of a matrix (Values or Histograms).
type series struct {
	Metric     json.RawMessage `json:"metric"`
	Value      []any           `json:"value,omitempty"`
	Histogram  []any           `json:"histogram,omitempty"`
	Values     [][]any         `json:"values,omitempty"`
	Histograms [][]any         `json:"histograms,omitempty"`
}

type store struct {
	to *url.URL
	by time.Duration
}

var clock = regexp.MustCompile(`\btime\(\s*\)`)

func (s store) query(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	now := seconds(time.Now())
	horizon := now - s.by.Seconds()
	at, err := strconv.ParseFloat(r.Form.Get("time"), 64)
	if err != nil {
		at = now // Prometheus says itself what it cannot read
	}
	code, body, err := s.ask(r, r.Form)
	found := answer{}
	if err == nil && code == http.StatusOK {
		err = json.Unmarshal(body, &found)
	}
	if err == nil && code == http.StatusOK && found.Data.Type != "matrix" && at > horizon {
		then := url.Values{}
		for key, values := range r.Form {
			then[key] = values
		}
		then.Set("query", clock.ReplaceAllString(r.Form.Get("query"), "("+text(at)+")"))
		then.Set("time", text(horizon))
		if code, body, err = s.ask(r, then); err == nil && code == http.StatusOK {
			found = answer{}
			err = json.Unmarshal(body, &found)
		}
	}
	if err == nil && code == http.StatusOK {
		found.Data.Result, err = seen(found.Data, at, horizon)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if code == http.StatusOK {
		_ = json.NewEncoder(w).Encode(found)
	} else {
		_, _ = w.Write(body)
	}
}

func (s store) ask(r *http.Request, form url.Values) (int, []byte, error) {
	where := *s.to
	where.Path, where.RawQuery = r.URL.Path, form.Encode()
	asked, err := http.NewRequestWithContext(r.Context(), http.MethodGet, where.String(), nil)
	if err != nil {
		return 0, nil, err
	}
	got, err := http.DefaultClient.Do(asked)
	if err != nil {
		return 0, nil, err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	return got.StatusCode, body, err
}

// seen is a result without what is younger than the horizon; the time of a single value is the one that was asked for.
func seen(found data, at, horizon float64) (json.RawMessage, error) {
	if found.Type == "scalar" || found.Type == "string" {
		var one []any
		if err := json.Unmarshal(found.Result, &one); err != nil {
			return nil, err
		}
		one[0] = at
		return json.Marshal(one)
	}
	var all []series
	if err := json.Unmarshal(found.Result, &all); err != nil {
		return nil, err
	}
	kept := []series{}
	for _, one := range all {
		for _, value := range [][]any{one.Value, one.Histogram} {
			if value != nil {
				value[0] = at
			}
		}
		one.Values, one.Histograms = until(one.Values, horizon), until(one.Histograms, horizon)
		if found.Type != "matrix" || len(one.Values)+len(one.Histograms) > 0 {
			kept = append(kept, one)
		}
	}
	return json.Marshal(kept)
}

func until(points [][]any, horizon float64) [][]any {
	n := len(points)
	for n > 0 && points[n-1][0].(float64) > horizon {
		n--
	}
	return points[:n]
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func text(seconds float64) string { return strconv.FormatFloat(seconds, 'f', 3, 64) }

func main() {
	to := flag.String("to", "", "URL of the Prometheus")
	by := flag.Duration("by", 30*time.Second, "how late")
	flag.Parse()
	behind, err := url.Parse(*to)
	if err != nil || behind.Host == "" {
		log.Fatal("late: -to must be a URL")
	}
	s := store{behind, *by}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/query", s.query)
	mux.HandleFunc("/api/v1/query_range", s.query)
	mux.Handle("/", httputil.NewSingleHostReverseProxy(behind))
	fmt.Printf("late: %s, %s late\n", behind, *by)
	log.Fatal(http.ListenAndServe(":9090", mux))
}
