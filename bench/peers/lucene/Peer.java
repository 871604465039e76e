import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.StopFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.FieldType;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.SerialMergeScheduler;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopScoreDocCollectorManager;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.util.Version;

/**
 * Lucene as a peer, one thread, in CPU time of the process; the protocol is in bench/peers/protocol.md.
 *
 * <p>Peer PASSAGES FOLDER QUERIES K
 */
public final class Peer {
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private static double cpu() {
    return SYSTEM.getProcessCpuTime() / 1e9;
  }

  /** Lower case, Lucene's English stop words, Porter. */
  private static final Analyzer ANALYZER =
      new Analyzer() {
        @Override
        protected TokenStreamComponents createComponents(String field) {
          StandardTokenizer source = new StandardTokenizer();
          TokenStream chain = new LowerCaseFilter(source);
          chain = new StopFilter(chain, EnglishAnalyzer.ENGLISH_STOP_WORDS_SET);
          return new TokenStreamComponents(source, new PorterStemFilter(chain));
        }
      };

  /** A JSON string as a string. */
  private static String parse(String line) {
    StringBuilder out = new StringBuilder(line.length());
    for (int i = 1; i < line.length() - 1; i++) {
      char c = line.charAt(i);
      if (c != '\\') {
        out.append(c);
        continue;
      }
      char e = line.charAt(++i);
      switch (e) {
        case 'n' -> out.append('\n');
        case 't' -> out.append('\t');
        case 'r' -> out.append('\r');
        case 'b' -> out.append('\b');
        case 'f' -> out.append('\f');
        case 'u' -> {
          out.append((char) Integer.parseInt(line.substring(i + 1, i + 5), 16));
          i += 4;
        }
        default -> out.append(e);
      }
    }
    return out.toString();
  }

  private static void index(Path passages, Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (var files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
      }
    }
    Files.createDirectories(folder);
    FieldType text = new FieldType();
    text.setIndexOptions(IndexOptions.DOCS_AND_FREQS);
    text.setTokenized(true);
    text.setStored(true);
    text.freeze();
    IndexWriterConfig config = new IndexWriterConfig(ANALYZER);
    config.setRAMBufferSizeMB(256);
    config.setMergeScheduler(new SerialMergeScheduler());
    config.setUseCompoundFile(false);
    int count = 0;
    double seconds = 0;
    try (MMapDirectory directory = new MMapDirectory(folder);
        IndexWriter writer = new IndexWriter(directory, config);
        BufferedReader lines = Files.newBufferedReader(passages)) {
      List<String> batch = new ArrayList<>();
      boolean more = true;
      while (more) {
        batch.clear();
        for (String line; batch.size() < 4096; ) {
          line = lines.readLine();
          if (line == null) {
            more = false;
            break;
          }
          batch.add(parse(line));
        }
        double start = cpu();
        for (String passage : batch) {
          Document document = new Document();
          document.add(new StringField("id", String.format("%09d", count++), Field.Store.YES));
          document.add(new Field("text", passage, text));
          writer.addDocument(document);
        }
        seconds += cpu() - start;
      }
      double start = cpu();
      writer.commit();
      seconds += cpu() - start;
    }
    long bytes = 0;
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) bytes += Files.size(file);
    }
    long peak = 0;
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) peak = Long.parseLong(line.replaceAll("\\D", "")) * 1024;
    }
    OUT.printf(
        "{\"version\": \"%s\", \"passages\": %d, \"cpu\": %f, \"bytes\": %d, \"rss\": %d}%n",
        Version.LATEST, count, seconds, bytes, peak);
  }

  private static int run(IndexSearcher searcher, String question, int k) throws IOException {
    BooleanQuery.Builder query = new BooleanQuery.Builder();
    int terms = 0;
    try (TokenStream stream = ANALYZER.tokenStream("text", question)) {
      CharTermAttribute term = stream.addAttribute(CharTermAttribute.class);
      stream.reset();
      while (stream.incrementToken()) {
        terms++;
        query.add(new TermQuery(new Term("text", term.toString())), BooleanClause.Occur.SHOULD);
      }
      stream.end();
    }
    if (terms == 0) return 0;
    return searcher.search(query.build(), new TopScoreDocCollectorManager(k, null, k)).scoreDocs.length;
  }

  private static void search(Path folder, Path queries, int k) throws IOException {
    List<String> questions = Files.readAllLines(queries).stream().map(Peer::parse).toList();
    long opening = System.nanoTime();
    try (MMapDirectory directory = new MMapDirectory(folder);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      searcher.setQueryCache(null);
      run(searcher, questions.get(0), k);
      OUT.printf("{\"open\": %f}%n", (System.nanoTime() - opening) / 1e9);
      BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
      while (input.readLine() != null) {
        double start = cpu();
        long wall = System.nanoTime();
        int hits = 0;
        for (String question : questions) hits += run(searcher, question, k);
        OUT.printf(
            "{\"cpu\": %f, \"wall\": %f, \"queries\": %d, \"hits\": %d}%n",
            cpu() - start, (System.nanoTime() - wall) / 1e9, questions.size(), hits);
      }
    }
  }

  public static void main(String[] args) throws IOException {
    index(Path.of(args[0]), Path.of(args[1]));
    search(Path.of(args[1]), Path.of(args[2]), Integer.parseInt(args[3]));
  }
}
