"""
The same edits through LlamaIndex's IngestionPipeline with a docstore, LangChain's indexing API, or a CocoIndex app:
python peers.py NAME FOLDER
"""
import glob, json, os, pathlib, sys, time
from dataclasses import dataclass

name, root = sys.argv[1], sys.argv[2]


def documents():
    out = []
    for path in sorted(glob.glob(root + "/docs/*.jsonl")):
        with open(path) as lines:
            out += [json.loads(line) for line in lines]
    return out


edits = set(json.load(open(root + "/edits.json")))


def edited(docs):
    return [{**d, "text": d["text"] + " Edited."} if d["doc_id"] in edits else d for d in docs]


def timed(work):
    start = time.perf_counter()
    redone = work()
    return time.perf_counter() - start, redone


if name == "llamaindex":
    from llama_index.core import Document
    from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
    from llama_index.core.node_parser import TokenTextSplitter
    from llama_index.core.storage.docstore import SimpleDocumentStore

    # tokens as words, so that no tokenizer is downloaded
    splitter = TokenTextSplitter(chunk_size=100, chunk_overlap=0, tokenizer=lambda t: t.split(" "), include_metadata=False)
    # without a vector store upserts are not looked up, so the strategy that works with a docstore alone
    pipeline = IngestionPipeline(transformations=[splitter], docstore=SimpleDocumentStore(), docstore_strategy=DocstoreStrategy.DUPLICATES_ONLY)

    def run(docs):
        nodes = pipeline.run(documents=[Document(text=d["text"], id_=d["doc_id"], metadata={"title": d["title"]}) for d in docs])
        return len({n.ref_doc_id for n in nodes})
elif name == "cocoindex":
    os.environ["COCOINDEX_DISABLE_USAGE_TRACKING"] = "1"
    import cocoindex as coco
    from cocoindex.connectors import sqlite
    from cocoindex.ops.text import RecursiveSplitter

    # state and rows go beside the documents, as its own do for Millrace
    folder = pathlib.Path(root) / "cocoindex"
    folder.mkdir()
    DB = coco.ContextKey("db")

    @coco.lifespan
    def lifespan(builder):
        builder.settings.db_path = folder / "state.db"
        with sqlite.managed_connection(folder / "chunks.sqlite", load_vec=False) as connection:
            builder.provide(DB, connection)
            yield

    @dataclass
    class Chunk:
        id: str
        doc_id: str
        text: str

    splitter = RecursiveSplitter()
    redone = set()
    given = []

    @coco.fn(memo=True)
    async def process(doc: dict, table) -> None:
        redone.add(doc["doc_id"])
        # it splits by bytes: about a hundred words
        for i, chunk in enumerate(splitter.split(doc["text"], chunk_size=600)):
            table.declare_row(row=Chunk(id=f"{doc['doc_id']}#{i}", doc_id=doc["doc_id"], text=chunk.text))

    @coco.fn
    async def main() -> None:
        schema = await sqlite.TableSchema.from_class(Chunk, primary_key=["id"])
        table = await sqlite.mount_table_target(DB, "chunks", schema)
        await coco.mount_each(process, [(d["doc_id"], d) for d in given], table)

    app = coco.App("bench", main)

    def run(docs):
        given[:] = docs
        redone.clear()
        app.update_blocking()
        return len(redone)
else:
    from langchain_core.documents import Document
    from langchain_core.embeddings import DeterministicFakeEmbedding
    from langchain_core.indexing import InMemoryRecordManager, index
    from langchain_core.vectorstores import InMemoryVectorStore

    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=2))
    manager = InMemoryRecordManager("bench")
    manager.create_schema()

    def run(docs):
        # it has no step of its own to split by: documents are given as they are
        given = [Document(page_content=d["text"], metadata={"source": d["doc_id"], "title": d["title"]}) for d in docs]
        done = index(given, manager, store, cleanup="incremental", source_id_key="source", batch_size=1000, key_encoder="sha256")
        return done["num_added"] + done["num_updated"]


full, _ = timed(lambda: run(documents()))
nothing, redone_nothing = timed(lambda: run(documents()))
changed, redone_changed = timed(lambda: run(edited(documents())))
print(json.dumps({"name": name, "full": full, "nothing": nothing, "changed": changed, "redoneNothing": redone_nothing, "redoneChanged": redone_changed}))
