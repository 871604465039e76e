//! tantivy as a peer of the sparse index, one thread, in CPU time of the whole process; the protocol is in
//! bench/peers/protocol.md.
//!
//!   tantivy-peer PASSAGES FOLDER QUERIES K

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::time::Instant;

use serde_json::json;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{
    IndexRecordOption, Schema, TextFieldIndexing, TextOptions, STORED, STRING,
};
use tantivy::tokenizer::{
    Language, LowerCaser, SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer, TokenStream,
};
use tantivy::{doc, Index, ReloadPolicy, Term};

/// Lucene's English stop words.
const STOP: [&str; 33] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it",
    "no", "not", "of", "on", "or", "such", "that", "the", "their", "then", "there", "these",
    "they", "this", "to", "was", "will", "with",
];

fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(LowerCaser)
        .filter(StopWordFilter::remove(STOP.iter().map(|s| s.to_string())))
        .filter(Stemmer::new(Language::English))
        .build()
}

fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn lines(path: &str) -> impl Iterator<Item = String> {
    BufReader::with_capacity(1 << 20, File::open(path).expect(path))
        .lines()
        .map(|line| serde_json::from_str::<String>(&line.expect("a line")).expect("a JSON string"))
}

fn peak_rss_bytes() -> i64 {
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    usage.ru_maxrss * 1024
}

fn index(passages: &str, folder: &str) -> tantivy::Result<()> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)?;
    let mut schema = Schema::builder();
    let id = schema.add_text_field("id", STRING | STORED);
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("english")
        .set_index_option(IndexRecordOption::WithFreqs);
    let text = schema.add_text_field(
        "text",
        TextOptions::default().set_indexing_options(indexing).set_stored(),
    );
    let index = Index::create_in_dir(folder, schema.build())?;
    index.tokenizers().register("english", analyzer());
    let mut writer = index.writer_with_num_threads(1, 256 << 20)?;
    let mut reading = 0.0;
    let mut count = 0u64;
    let mut batch: Vec<String> = Vec::new();
    let mut input = lines(passages);
    let start = cpu_seconds();
    loop {
        // The other thread works on while this one parses: what parsing takes is measured apart, on this thread.
        let before = thread_seconds();
        batch.clear();
        batch.extend(input.by_ref().take(4096));
        reading += thread_seconds() - before;
        if batch.is_empty() {
            break;
        }
        for passage in batch.drain(..) {
            writer.add_document(doc!(id => format!("{count:09}"), text => passage))?;
            count += 1;
        }
    }
    writer.commit()?;
    writer.wait_merging_threads()?;
    let seconds = cpu_seconds() - start - reading;
    let bytes: u64 = fs::read_dir(folder)?.map(|e| e.unwrap().metadata().unwrap().len()).sum();
    println!(
        "{}",
        json!({ "version": tantivy::version_string(), "passages": count, "cpu": seconds, "bytes": bytes, "rss": peak_rss_bytes() })
    );
    Ok(())
}

fn thread_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn search(folder: &str, queries: &str, k: usize) -> tantivy::Result<()> {
    let queries: Vec<String> = lines(queries).collect();
    let opening = Instant::now();
    let index = Index::open_in_dir(folder)?;
    index.tokenizers().register("english", analyzer());
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    let searcher = reader.searcher();
    let text = index.schema().get_field("text")?;
    let mut analyzer = analyzer();
    let mut run = |query: &str| -> tantivy::Result<usize> {
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        let mut stream = analyzer.token_stream(query);
        while stream.advance() {
            let term = Term::from_field_text(text, &stream.token().text);
            clauses.push((Occur::Should, Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))));
        }
        drop(stream);
        if clauses.is_empty() {
            return Ok(0);
        }
        Ok(searcher.search(&BooleanQuery::new(clauses), &TopDocs::with_limit(k).order_by_score())?.len())
    };
    run(&queries[0])?;
    let open = opening.elapsed().as_secs_f64();
    println!("{}", json!({ "open": open }));
    for _ in std::io::stdin().lock().lines() {
        let (start, wall) = (cpu_seconds(), Instant::now());
        let mut hits = 0;
        for query in &queries {
            hits += run(query)?;
        }
        println!(
            "{}",
            json!({
                "cpu": cpu_seconds() - start,
                "wall": wall.elapsed().as_secs_f64(),
                "queries": queries.len(),
                "hits": hits
            })
        );
    }
    Ok(())
}

fn main() -> tantivy::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    if args.len() != 5 {
        eprintln!("usage: tantivy-peer PASSAGES FOLDER QUERIES K");
        std::process::exit(2)
    }
    index(&args[1], &args[2])?;
    search(&args[2], &args[3], args[4].parse().expect("K"))
}
