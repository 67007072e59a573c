// SPDX-License-Identifier: Apache-2.0

// client_golang serves N dependencies as its users would write it: a histogram, three gauges and a
// counter by reason for each, by promhttp. Usage: client_golang PORT N
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var reasons = []string{"dns", "refused", "unreachable", "timeout", "closed", "protocol"}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: client_golang PORT N")
	}
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	label := []string{"dependency"}
	registry := prometheus.NewRegistry()
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "health_check_duration_seconds", Help: "How long checks took.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, label)
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dependency_check_failures_total", Help: "Failed checks."}, []string{"dependency", "reason"})
	gauges := []*prometheus.GaugeVec{}
	for _, name := range []string{"status", "last_run_timestamp_seconds", "consecutive_failures"} {
		gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "health_check_" + name, Help: "A gauge."}, label)
		registry.MustRegister(gauge)
		gauges = append(gauges, gauge)
	}
	registry.MustRegister(durations, failures)
	for i := 0; i < n; i++ {
		dependency := fmt.Sprintf("dependency-%05d", i)
		durations.WithLabelValues(dependency).Observe(0.0001234 * float64(i%1000+1))
		for _, gauge := range gauges {
			gauge.WithLabelValues(dependency).Set(1)
		}
		for _, reason := range reasons {
			failures.WithLabelValues(dependency, reason)
		}
	}
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
