"""Tensors, networks and tokenizers: torch, tokenizers, transformers, spaCy, gensim."""

from __future__ import annotations

from . import Case, Outcome


def _torch(name: str, make: str, check: str, mutate: str = "", outcome: Outcome = "equal", why: str = "") -> Case:
    return Case("torch", name, f"import numpy as np, torch\n{make}", check, mutate, outcome, why, ("torch",))


_NET = """
class $Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.one = torch.nn.Linear(3, 4)
        self.two = torch.nn.Linear(4, 1)
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, v):
        return self.two(torch.relu(self.one(v)))

_ = torch.manual_seed(0)
$x = $Net()
""".lstrip()

_STEP = """
$o.zero_grad(); $x(torch.ones(5, 3)).sum().backward(); $o.step()
""".strip()

CASES = [
    _torch(
        "a tensor and a view of it",
        "$x = torch.arange(10.0)\n$v = $x[2:5]",
        "print($x, $v, $v.storage_offset())",
        "$v[0] = 77; $x[3] = 5",
    ),
    _torch(
        "overlapping views, transposed and strided",
        "$x = torch.arange(12).reshape(3, 4)\n$t, $s = $x.T, $x[:, ::2]",
        "print($x, $t, $s, $t.stride(), $s.is_contiguous())",
        "$t[0, 0] = 9; $s[1, 1] = 8",
    ),
    _torch(
        "tensors of every dtype",
        "$x = [torch.ones(2, dtype=getattr(torch, n)) for n in 'bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64'.split()] + [torch.tensor([1.0, 2.0]).to(torch.float8_e4m3fn)]",
        "print($x, [t.dtype for t in $x])",
    ),
    _torch(
        "a numpy array on the memory of a tensor",
        "$x = torch.arange(4.0)\n$n = $x.numpy()\n$m = np.zeros(3)\n$t = torch.from_numpy($m)",
        "print($x, $n, $m, $t)",
        "$n[0] = 7; $t[1] = 8; $x[2] = 9",
    ),
    _torch(
        "a tensor that requires a gradient, and its gradient",
        "$x = torch.ones(3, requires_grad=True)\n($x * 2).sum().backward()\n$g = $x.grad",
        "print($x, $x.grad, $g is $x.grad, $x.is_leaf)",
        "($x * 3).sum().backward(); print($g)",
    ),
    _torch(
        "a result that holds its graph",
        "$y = torch.ones(2, requires_grad=True)\n$x = ($y * 2).sum()",
        "print($x.item(), $y)",
        why="the value is kept; the graph behind it is not, which is reported",
    ),
    _torch(
        "a network of a cell",
        _NET,
        "print($x, $x(torch.ones(2, 3)), sorted($x.state_dict()), sum(p.numel() for p in $x.parameters()))",
        "_ = $x.eval(); $x.seen += 1; print($x.seen)",
    ),
    _torch(
        "a network with weight normalisation and a parametrization of a cell",
        "import torch\nfrom torch.nn.utils import parametrizations, parametrize\nclass $S(torch.nn.Module):\n    def forward(self, w):\n        return w.triu() + w.triu(1).T\n$l = torch.nn.Linear(2, 2)\nparametrize.register_parametrization($l, 'weight', $S())\n$x = torch.nn.Sequential($l, parametrizations.weight_norm(torch.nn.Linear(2, 1)))\n$o = torch.optim.SGD($l.parameters(), lr=0.1)\nfor _p in $x.parameters():\n    torch.nn.init.ones_(_p)",
        "print($l(torch.ones(2)).tolist(), $x(torch.ones(2)).tolist(), $x[0] is $l, parametrize.is_parametrized($l, 'weight'), sorted(n for n, _ in $l.named_parameters()))",
        "$x(torch.ones(2)).sum().backward(); $o.step(); $o.zero_grad()",
    ),
    _torch(
        "an optimizer with state, tied to its parameters",
        _NET + "$o = torch.optim.Adam($x.parameters(), lr=0.1)\nfor _ in range(3):\n    " + _STEP,
        "print($x(torch.ones(1, 3)), $o.param_groups[0]['params'][0] is next($x.parameters()), $o.state_dict()['state'][0]['step'])",
        _STEP,
    ),
    _torch(
        "an optimizer with a hook of a cell",
        _NET
        + "$o = torch.optim.SGD($x.parameters(), lr=0.1)\n$seen = []\n$h = $o.register_step_post_hook(lambda *_: $seen.append(len($seen)))\n"
        + _STEP,
        "print($x(torch.ones(1, 3)), $seen)",
        _STEP + "\nprint($seen)\n$h.remove()\n" + _STEP,
    ),
    _torch(
        "a scheduler before its optimizer's first step",
        _NET + "$o = torch.optim.SGD($x.parameters(), lr=0.1)\n$s = torch.optim.lr_scheduler.ExponentialLR($o, 0.9)",
        "print($o.step.__name__, hasattr($o, '_opt_called'))",
        _STEP
        + "\nimport warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter('error')\n    $s.step()\nprint($s.get_last_lr())",
    ),
    _torch(
        "a scheduler, tied to its optimizer",
        _NET
        + "$o = torch.optim.SGD($x.parameters(), lr=1.0, momentum=0.9)\n$s = torch.optim.lr_scheduler.StepLR($o, 2, 0.5)\n"
        + _STEP
        + "\n$s.step()",
        "print($s.get_last_lr(), $s.optimizer is $o, $x(torch.ones(1, 3)))",
        _STEP + "\n$s.step()",
    ),
    _torch(
        "a network that shares weights",
        "_ = torch.manual_seed(0)\n$x = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))\n$x[1].weight = $x[0].weight",
        "print($x(torch.ones(1, 2)), $x[1].weight is $x[0].weight)",
        "with torch.no_grad():\n    $x[0].weight.fill_(1)",
    ),
    _torch(
        "a network with hooks",
        _NET + "$seen = []\n$h = $x.one.register_forward_hook(lambda m, i, o: $seen.append(o.shape))",
        "_ = $x(torch.ones(2, 3)); print($seen)",
        "$h.remove()",
    ),
    _torch(
        "a generator of random numbers",
        "$x = torch.Generator().manual_seed(5)\n_ = torch.rand(3, generator=$x)",
        "print(torch.rand(2, generator=$x), $x.initial_seed(), $x.device)",
    ),
    _torch(
        "a DataLoader over a data set of a cell",
        """
class $Set(torch.utils.data.Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, i):
        return torch.tensor([i, i * $n])

$n = 2
$x = torch.utils.data.DataLoader($Set(), batch_size=2, shuffle=True, generator=torch.Generator().manual_seed(1))
""".strip(),
        "print([b.tolist() for b in $x])",
        "$n = 10",
    ),
    _torch(
        "an iterator over a DataLoader",
        "$x = iter(torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.arange(6)), batch_size=2))\n_ = next($x)\n$n = [1]",
        "print($n)\nprint(next($x))",
        "",
        "placeholder",
        "its sampler is in the middle of a run",
    ),
    _torch(
        "data sets: tensors, subsets and splits",
        "from torch.utils.data import TensorDataset, Subset, random_split\n$t = torch.arange(10)\n$d = TensorDataset($t)\n$x, $y = random_split($d, [7, 3], torch.Generator().manual_seed(0))",
        "print(list($x.indices), [v[0].item() for v in $y], $x.dataset is $d, $d.tensors[0] is $t)",
        "$t[0] = 50; print($d[0])",
    ),
    _torch(
        "sparse, quantized, complex and empty tensors",
        "$x = [torch.eye(3).to_sparse(), torch.eye(2).to_sparse_csr(), torch.empty(0, 3), torch.tensor(5), torch.ones(2, dtype=torch.complex64).conj(), torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)]",
        "print($x)",
    ),
    _torch(
        "losses, functions and distributions",
        "import torch.nn.functional as F\n$x = [torch.nn.CrossEntropyLoss(), torch.distributions.Normal(torch.zeros(2), 1.0), F.relu, torch.float32, torch.Size([2, 3]), torch.device('cpu')]",
        "print($x[0](torch.eye(2), torch.tensor([0, 1])), $x[1].log_prob(torch.ones(2)), $x[2](torch.tensor(-1.0)), $x[3:])",
    ),
    _torch(
        "a function compiled to TorchScript",
        "@torch.jit.script\ndef $f(v: torch.Tensor) -> torch.Tensor:\n    return v * 2\n$x = [$f, torch.jit.trace(torch.nn.Linear(1, 1).requires_grad_(False), torch.ones(1, 1))]",
        "print($f(torch.ones(2)), $x[1](torch.ones(1, 1)).shape)",
    ),
    _torch(
        "a subclass of Tensor with attributes",
        "class $T(torch.Tensor):\n    pass\n$x = torch.arange(3.0).as_subclass($T)\n$x.note = [1]",
        "print($x, type($x) is $T, $x.note, type($x + 1) is $T)",
        "$x[0] = 9; $x.note.append(2)",
    ),
    _torch(
        "a parameter list, a state dict and a checkpoint",
        _NET + "$d = $x.state_dict()\n$p = torch.nn.ParameterList([torch.ones(2), torch.zeros(1)])",
        "print($d['one.weight'].data_ptr() == $x.one.weight.data_ptr(), list($p), $d['seen'])",
        "with torch.no_grad():\n    $x.one.weight.fill_(2)\nprint($d['one.weight'])",
    ),
    Case(
        "tokenizers",
        "a tokenizer trained in a cell",
        "from tokenizers import Tokenizer, models, trainers, pre_tokenizers\n$x = Tokenizer(models.BPE(unk_token='[U]'))\n$x.pre_tokenizer = pre_tokenizers.Whitespace()\n$x.train_from_iterator(['low lower lowest', 'new newer'], trainers.BpeTrainer(special_tokens=['[U]'], vocab_size=40, show_progress=False))\n$e = $x.encode('lower new')",
        "print($x.encode('lowest newer').tokens, $x.get_vocab_size(), $e.tokens, $e.ids, $x.decode($e.ids))",
        "$x.add_tokens(['zz']); print($x.encode('zz').tokens)",
        needs=("tokenizers",),
    ),
    Case(
        "transformers",
        "a fast tokenizer of a model built here",
        "import transformers\nfrom tokenizers import Tokenizer, models, pre_tokenizers\n$y = Tokenizer(models.WordLevel({'[U]': 0, 'a': 1, 'b': 2}, unk_token='[U]'))\n$y.pre_tokenizer = pre_tokenizers.Whitespace()\n$x = transformers.PreTrainedTokenizerFast(tokenizer_object=$y, unk_token='[U]')\n$e = $x('a b c')",
        "print($x('b a'), $e['input_ids'], $e.tokens(), $x.unk_token)",
        needs=("transformers",),
    ),
    Case(
        "transformers",
        "a configured model with random weights",
        "import torch, transformers\n_ = torch.manual_seed(0)\n$x = transformers.BertModel(transformers.BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)).eval()",
        "print($x(torch.tensor([[1, 2]])).last_hidden_state[0, 0, :3].detach(), $x.config.hidden_size)",
        needs=("transformers", "torch"),
    ),
    Case(
        "spacy",
        "a blank model, its document and its spans",
        "import spacy\n$x = spacy.blank('en')\n_ = $x.add_pipe('sentencizer')\n$d = $x('Hello world. Bye now!')\n$s, $t = $d[0:2], $d[3]",
        "print([t.text for t in $x('a b')], [s.text for s in $d.sents], $s.text, $t.text, $x.pipe_names, $d.vocab is $x.vocab)",
        "_ = $x.add_pipe('entity_ruler').add_patterns([{'label': 'P', 'pattern': 'world'}]); print([(e.text, e.label_) for e in $x('my world').ents])",
        needs=("spacy",),
    ),
    Case(
        "spacy",
        "a matcher",
        "import spacy\nfrom spacy.matcher import Matcher\n$n = spacy.blank('en')\n$x = Matcher($n.vocab)\n$x.add('G', [[{'LOWER': 'hi'}]])",
        "print([(a, b) for _, a, b in $x($n('oh hi you'))], len($x))",
        needs=("spacy",),
    ),
    Case(
        "gensim",
        "a dictionary, a corpus and word vectors",
        "from gensim import corpora, models\n$t = [['a', 'b'], ['b', 'c', 'c']]\n$x = corpora.Dictionary($t)\n$m = models.Word2Vec($t, vector_size=4, min_count=1, seed=1, workers=1)\n$l = models.TfidfModel([$x.doc2bow(d) for d in $t])",
        "print(sorted($x.token2id.items()), $m.wv['a'], $l[$x.doc2bow(['c'])])",
        "_ = $x.add_documents([['z']])",
        needs=("gensim",),
    ),
]
