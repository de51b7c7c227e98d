"""LangChain's ChatOpenAI and OpenAIEmbeddings."""

import pydantic
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from servers import NO_TOOLS, Server


@pytest.fixture
def chat(server: Server) -> ChatOpenAI:
    return ChatOpenAI(model="any", base_url=server.url, api_key="any", temperature=0, max_tokens=64, max_retries=0)


def test_invoke(chat: ChatOpenAI) -> None:
    reply = chat.invoke([SystemMessage("You are a helpful assistant."), HumanMessage("Why is the sky blue?")])
    assert isinstance(reply, AIMessage) and "sky" in reply.content
    assert reply.usage_metadata["output_tokens"] > 0
    assert reply.response_metadata["finish_reason"] in ("stop", "length")


def test_stream(chat: ChatOpenAI) -> None:
    pieces = list(chat.stream("Why is the sky blue?"))
    assert len([piece for piece in pieces if piece.content]) > 10
    assert "".join(piece.content for piece in pieces) == chat.invoke("Why is the sky blue?").content


def test_batch(chat: ChatOpenAI) -> None:
    replies = chat.batch(["Why is the sky blue?", "What is a cat?"])
    assert "sky" in replies[0].content and "cat" in replies[1].content


@tool
def multiply(first: int, second: int) -> int:
    """Multiplies two numbers."""
    return first * second


def test_a_tool_is_bound_called_and_answered(server: Server, chat: ChatOpenAI) -> None:
    question = HumanMessage("What is 6 times 7?")
    reply = chat.bind_tools([multiply], tool_choice="multiply").invoke([question])
    assert bool(reply.tool_calls) is server.expected(True, llama_server=False, because=NO_TOOLS)
    if not reply.tool_calls:
        return
    call = reply.tool_calls[0]
    assert call["name"] == "multiply" and {type(value) for value in call["args"].values()} == {int}
    result = multiply.invoke(call)
    assert isinstance(result, ToolMessage)
    answer = chat.bind_tools([multiply], tool_choice="none").invoke([question, reply, result])
    assert answer.content and not answer.tool_calls


class Person(pydantic.BaseModel):
    """A person."""

    name: str
    age: int


def test_structured_output_by_a_schema(chat: ChatOpenAI) -> None:
    person = chat.with_structured_output(Person, method="json_schema").invoke("Describe Ada, who is 36, as short JSON.")
    assert isinstance(person, Person)


def test_structured_output_by_a_call(server: Server, chat: ChatOpenAI) -> None:
    asked = chat.with_structured_output(Person, method="function_calling")
    person = asked.invoke("Describe Ada, who is 36.")
    assert isinstance(person, server.expected(Person, llama_server=type(None), because=NO_TOOLS))


def test_embeddings(embedding: Server) -> None:
    # check_embedding_ctx_length=False: else it cuts texts by the tokens of OpenAI's models, whose tables it downloads.
    embeddings = OpenAIEmbeddings(model="any", base_url=embedding.url, api_key="any", check_embedding_ctx_length=False)
    vectors = embeddings.embed_documents(["A cat sleeps.", "Interest rates rose."])
    query = embeddings.embed_query("A cat sleeps.")
    assert len(vectors) == 2 and len(vectors[0]) == len(query) > 100
    assert sum(a * b for a, b in zip(vectors[0], query, strict=True)) > 0.999
