"""Pictures: matplotlib, seaborn, plotly, bokeh, altair, widgets and images."""

from __future__ import annotations

from . import Case, Outcome

_DRAW = """
import hashlib, io
def $pixels(figure):
    target = io.BytesIO()
    figure.savefig(target, format="rgba", dpi=40)
    return hashlib.md5(target.getvalue()).hexdigest()
"""


def _plot(name: str, make: str, check: str, mutate: str = "", outcome: Outcome = "equal", why: str = "") -> Case:
    head = "import numpy as np, matplotlib.pyplot as plt" + _DRAW
    return Case("matplotlib", name, head + make, check, mutate, outcome, why, ("matplotlib",))


def _seaborn(name: str, make: str, check: str) -> Case:
    head = "import numpy as np, pandas as pd, seaborn as sns, matplotlib.pyplot as plt" + _DRAW
    head += "$d = pd.DataFrame({'a': np.arange(12.0), 'b': np.arange(12.0)[::-1], 'k': list('uvw') * 4})\n"
    return Case("seaborn", name, head + make, check, needs=("seaborn",))


_XY = "$d = {'a': [1, 2, 3], 'b': [3, 1, 2]}\n"

CASES = [
    _plot(
        "a figure with lines, a legend and an image",
        "$x, $a = plt.subplots(1, 2, figsize=(4, 2))\n($l,) = $a[0].plot([1, 3, 2], label='n')\n_ = $a[0].legend(); _ = $a[1].imshow(np.eye(3))",
        "print($pixels($x), $a[0].lines[0] is $l, $a[0].figure is $x)",
        "$l.set_ydata([3, 1, 2]); _ = $a[1].set_title('t')",
    ),
    _plot(
        "bars, histograms, scatters, contours and error bars",
        "$x, $a = plt.subplots(2, 3)\n_ = $a[0, 0].bar('abc', [1, 2, 3]); _ = $a[0, 1].hist([1, 1, 2]); _ = $a[0, 2].scatter([1, 2], [3, 4], c=[0, 1])\n_ = $a[1, 0].contourf(np.eye(4)); _ = $a[1, 1].errorbar([1, 2], [1, 2], 0.1); _ = $a[1, 2].pie([1, 2])",
        "print($pixels($x))",
        "_ = $a[0, 0].set_ylim(0, 9)",
    ),
    _plot(
        "three dimensions",
        "$x = plt.figure()\n$a = $x.add_subplot(projection='3d')\n_ = $a.plot_surface(*np.mgrid[:3, :3], np.eye(3)); ($l,) = $a.plot([0, 1], [0, 1], [0, 1])\nfrom mpl_toolkits.mplot3d.art3d import Line3DCollection\n$c = Line3DCollection([[(0, 0, 0), (1, 1, 2)]]); _ = $a.add_collection3d($c)",
        "print($pixels($x), $a.name, len($a.collections))",
        "$a.view_init(10, 20)",
    ),
    _plot(
        "dates, formatters and locators",
        "import datetime, matplotlib.dates as md, matplotlib.ticker as mt\n$x, $a = plt.subplots()\n_ = $a.plot([datetime.date(2024, 1, d) for d in (1, 9, 20)], [1, 2, 3])\n$l = md.WeekdayLocator(); $a.xaxis.set_major_locator($l); $f = md.AutoDateFormatter($l); $a.xaxis.set_major_formatter($f)\n$a.yaxis.set_major_formatter(mt.FuncFormatter(lambda v, p: f'{v:.1f}!')); $a.yaxis.set_major_locator(mt.AutoLocator())",
        "print($pixels($x), $a.xaxis.get_major_locator() is $l, [t.get_text() for t in $a.get_yticklabels()])",
    ),
    _plot(
        "colours, norms and maps alone",
        "import matplotlib.colors as mc\n$x = [mc.ListedColormap(['r', 'b']), mc.BoundaryNorm([0, 1, 2], 2), plt.get_cmap('viridis'), mc.LogNorm(1, 10), mc.LinearSegmentedColormap.from_list('m', ['k', 'w'])]",
        "print([$x[0](0), $x[1](1.5), $x[2](0.5), $x[3](3.0), $x[4](0.2)], $x[0].N)",
        "$x[3].vmax = 100",
    ),
    _plot(
        "artists: patches, lines, images and boxes",
        "from matplotlib.patches import Ellipse, Arrow\nfrom matplotlib.offsetbox import AnchoredText\n$x, $a = plt.subplots()\n$e = $a.add_patch(Ellipse((0.5, 0.5), 0.2, 0.4)); $r = $a.add_patch(Arrow(0, 0, 1, 1))\n$b = $a.add_artist(AnchoredText('t', 2)); $i = $x.figimage(np.eye(5)); $m = $a.imshow(np.eye(2), extent=(0, 1, 0, 1))",
        "print($pixels($x), $e.axes is $a, $m.norm.vmax, $b.txt.get_text())",
        "$e.angle = 45; $m.set_data([[0, 1], [1, 0]])",
    ),
    _plot(
        "artists that stand alone",
        "from matplotlib.lines import Line2D\nfrom matplotlib.patches import Circle\n$x = [Line2D([0, 1], [1, 0], color='r'), Circle((0, 0), 2), plt.Text(0, 0, 't')]",
        "print([list(v.get_xdata()) if hasattr(v, 'get_xdata') else str(v) for v in $x], $x[0].get_color())",
        "$x[0].set_color('b')",
    ),
    _plot(
        "images on a figure, and a box of text on its axes",
        "from matplotlib.offsetbox import AnchoredOffsetbox, TextArea\n$f, $a = plt.subplots()\n$x = $f.figimage(np.eye(9), 5, 5); $i = $a.imshow(np.eye(3))\n$o = $a.add_artist(AnchoredOffsetbox('upper left', child=TextArea('t')))\n$l = plt.matplotlib.ticker.AutoLocator(); $a.xaxis.set_minor_locator($l)",
        "print($pixels($f), type($x).__name__, type($i).__name__, $x.figure is $f, $f.images[0] is $x, $i.axes is $a, $o.get_child().get_text(), $l.axis is $a.xaxis)",
        "$x.set_data(np.ones((9, 9))); $i.set_data(np.ones((3, 3))); $o.get_child().set_text('u')",
    ),
    _plot(
        "a colour bar, twin axes and an inset",
        "$x, $a = plt.subplots()\n$m = $a.pcolormesh(np.arange(9).reshape(3, 3)); $c = $x.colorbar($m)\n$t = $a.twinx(); _ = $t.plot([1, 5]); $i = $a.inset_axes([0.5, 0.5, 0.3, 0.3]); _ = $i.plot([1, 2])",
        "print($pixels($x), $c.mappable is $m, len($x.axes))",
        "$m.set_clim(0, 20)",
    ),
    _plot(
        "axes that share their limits",
        "$x, $a = plt.subplots(2, sharex=True, layout='constrained')\n_ = $a[0].plot([1, 2, 3])",
        "print($pixels($x), $a[1].get_xlim())",
        "_ = $a[1].set_xlim(0, 9); print($a[0].get_xlim())",
    ),
    _plot(
        "an animation with a function of a cell",
        "from matplotlib.animation import FuncAnimation\n$f, $a = plt.subplots()\n($l,) = $a.plot([], [])\n$seen = []\ndef $step(i):\n    $seen.append(i); $l.set_data([0, i], [0, 1])\n    return ($l,)\n$x = FuncAnimation($f, $step, frames=3, cache_frame_data=False)",
        "$html = $x.to_jshtml(); print(len($seen) > 2, $html.count('data:image/png') > 1)",
    ),
    _plot(
        "a button and callbacks on events",
        "from matplotlib.widgets import Button\n$f, $a = plt.subplots()\n$seen = []\n$x = Button($a, 'b')\n_ = $f.canvas.mpl_connect('draw_event', lambda e: $seen.append(1))",
        "print($x.label.get_text())\n$f.canvas.draw(); print(len($seen))",
    ),
    _plot(
        "a style in a context, and rcParams kept by hand",
        "$x = plt.rc_context({'lines.linewidth': 7})\n$y = plt.rcParams.copy()\n$c = plt.style.library['ggplot']",
        "print(type($y).__name__, $y['lines.linewidth'], $c['axes.facecolor'])\nwith plt.rc_context({'lines.linewidth': 7}):\n    print(plt.rcParams['lines.linewidth'])",
    ),
    _plot(
        "a path, a transform and a grid",
        "from matplotlib.path import Path as _P\nfrom matplotlib.transforms import Affine2D\nfrom matplotlib.gridspec import GridSpec\n$x = [_P([(0, 0), (1, 1)]), Affine2D().rotate_deg(90), GridSpec(2, 3)]",
        "print($x[0], np.round($x[1].transform([(1, 0)]), 3), $x[2].get_geometry())",
        "_ = $x[1].translate(1, 1)",
    ),
    _seaborn(
        "a grid of facets with a function of a cell",
        "def $f(v, **options):\n    plt.hist(v, color='r')\n$x = sns.FacetGrid($d, col='k').map($f, 'a')",
        "print($pixels($x.figure), $x.axes.shape, $x.data is $d)",
    ),
    _seaborn(
        "joint, pair and cluster grids",
        "$x = [sns.JointGrid(data=$d, x='a', y='b'), sns.PairGrid($d[['a', 'b']])]\n_ = $x[0].plot_joint(sns.scatterplot); _ = $x[1].map(plt.scatter)",
        "print([$pixels(g.figure) for g in $x])",
    ),
    _seaborn(
        "a heat map and palettes",
        "$x = sns.heatmap($d[['a', 'b']])\n$p = sns.color_palette('husl', 3)",
        "print($pixels($x.figure), $p, list($p.as_hex()))",
    ),
    _seaborn(
        "a plot of seaborn.objects",
        "import seaborn.objects as so\n$x = so.Plot($d, 'a', 'b', color='k').add(so.Line())",
        "print(len($x._layers), $x._data.source_data is $d, type($x.plot()).__name__)",
    ),
    Case(
        "plotly",
        "a figure of express",
        "import plotly.express as px\n" + _XY + "$x = px.scatter($d, 'a', 'b', title='t')",
        "import json\nprint(json.dumps($x.to_dict(), sort_keys=True, default=str), len($x.data))",
        "_ = $x.update_layout(title='changed'); _ = $x.add_hline(2)",
        needs=("plotly", "pandas"),
    ),
    Case(
        "plotly",
        "graph objects, subplots and a factory",
        "import plotly.graph_objects as go, plotly.figure_factory as ff\nfrom plotly.subplots import make_subplots\n$x = make_subplots(rows=1, cols=2)\n_ = $x.add_trace(go.Bar(y=[1, 2]), 1, 2)\n$t = $x.data[0]\n$f = ff.create_table([['a'], [1]])",
        "import json\nprint(json.dumps($x.to_dict(), sort_keys=True), $f.data[0].z, $t is $x.data[0], $x._grid_ref)",
        "$t.y = [5, 6]; _ = $x.add_trace(go.Scatter(y=[1]), 1, 1)",
        needs=("plotly",),
    ),
    Case(
        "plotly",
        "graph_objs, io and offline",
        "import plotly.graph_objs as gob, plotly.io as pio, plotly.offline as po\n$x = gob.Figure([gob.Scatter(y=[1, 2]), gob.Heatmap(z=[[1]])], gob.Layout(title='t'))\n$y = [$x.data[1], $x.layout, po.plot, pio]",
        "import json\nprint(json.loads(pio.to_json($x))['data'], $y[0] is $x.data[1], $y[1] is $x.layout, $y[2] is po.plot, po.plot($x, output_type='div', include_plotlyjs=False).count('Plotly.newPlot'))",
        "$y[0].z = [[5]]; $y[1].title = 'u'; print($x.layout.title.text)",
        needs=("plotly",),
    ),
    Case(
        "plotly",
        "a template, a figure widget's data and colours",
        "import plotly.graph_objects as go, plotly.io as pio, plotly.colors as pc\n$x = go.layout.Template(layout={'font': {'size': 3}})\n$r = pio.renderers",
        "print($x.to_plotly_json(), $r is pio.renderers, pc.qualitative.Plotly[0])",
        needs=("plotly",),
    ),
    Case(
        "bokeh",
        "a figure with renderers",
        "from bokeh.plotting import figure\nfrom bokeh.models import ColumnDataSource\nfrom bokeh.embed import json_item\n$s = ColumnDataSource({'a': [1, 2], 'b': [3, 4]})\n$x = figure(title='t', width=200)\n$r = $x.scatter('a', 'b', source=$s)",
        "print($x.title.text, $r.data_source is $s, dict($s.data), $x.renderers[0] is $r, $r.glyph.x)",
        "$s.data['a'] = [5, 6]; $x.title.text = 'u'",
        needs=("bokeh",),
    ),
    Case(
        "bokeh",
        "a renderer, its glyph and its source alone",
        "from bokeh.models import ColumnDataSource, Scatter\nfrom bokeh.models.renderers.glyph_renderer import GlyphRenderer\n$s = ColumnDataSource({'a': [1, 2], 'b': [3, 4]})\n$x = GlyphRenderer(data_source=$s, glyph=Scatter(x='a', y='b', size=7))\n$g = $x.glyph",
        "print($x.glyph is $g, $x.data_source is $s, $g.size, dict($s.data), $x.visible, sorted($x.properties_with_values())[:3])",
        "$g.size = 9; $s.data['a'] = [5, 6]; $x.visible = False",
        needs=("bokeh",),
    ),
    Case(
        "altair",
        "a chart with a selection",
        "import altair as alt, pandas as pd\n$d = pd.DataFrame({'a': [1, 2], 'b': [3, 4]})\n$x = alt.Chart($d).mark_point().encode(x='a', y='b').add_params(alt.selection_interval(name='s'))\n$y = $x | $x.mark_line()",
        "print($x.to_json(), $x.data is $d, len($y.hconcat))",
        "$x = $x.properties(title='t')",
        needs=("altair", "pandas"),
    ),
    Case(
        "PIL",
        "images in memory, cropped and with a palette",
        "from PIL import Image, ImageDraw, ImageFont\n$x = Image.new('RGB', (8, 6), 'red'); ImageDraw.Draw($x).line((0, 0, 5, 5), 'blue')\n$x.info['note'] = 'n'\n$y = [$x.crop((0, 0, 3, 3)), $x.convert('P'), $x.convert('L').point(lambda v: v // 2), Image.new('I;16', (2, 2))]",
        "print($x.tobytes()[:12], $x.info, [(i.mode, i.size, i.tobytes()[:4], i.getpalette()[:3] if i.mode == 'P' else 0) for i in $y])",
        "$x.putpixel((0, 0), (1, 2, 3))",
        needs=("PIL",),
    ),
    Case(
        "PIL",
        "an image opened from a file, not yet read",
        "from PIL import Image\nImage.new('RGB', (8, 6), 'red').save('$x.png')\n$x = Image.open('$x.png')",
        "print($x.size, $x.getpixel((1, 1)), $x.format, type($x).__name__)",
        "$x.putpixel((0, 0), (1, 2, 3))",
        needs=("PIL",),
    ),
    Case(
        "PIL",
        "a pen and a font",
        "from PIL import Image, ImageDraw, ImageFont\n$y = Image.new('RGB', (8, 6))\n$x = ImageDraw.Draw($y)\n$f = ImageFont.load_default(9)",
        "print($f.getlength('abc'), $y.getpixel((0, 0)))",
        "$x.rectangle((0, 0, 2, 2), 'white')",
        needs=("PIL",),
    ),
    Case(
        "cv2",
        "images and key points",
        "import cv2, numpy as np\n$x = np.zeros((9, 9, 3), np.uint8); _ = cv2.rectangle($x, (1, 1), (4, 4), (255, 0, 0), -1)\n$k = cv2.KeyPoint(1.0, 2.0, 3.0)\n$m = cv2.UMat($x)",
        "print($x.sum(), $k.pt, $k.size, $m.get().sum())",
        "_ = cv2.blur($x, (3, 3), dst=$x)",
        needs=("cv2",),
    ),
    Case(
        "cv2",
        "a detector",
        "import cv2\n$x = cv2.ORB_create(nfeatures=7)",
        "print($x.getMaxFeatures())",
        needs=("cv2",),
        outcome="placeholder",
        why="it lives in C++ and does not tell its settings",
    ),
    Case(
        "skimage",
        "images, regions and morphology",
        "import numpy as np\nfrom skimage import data, measure, morphology\n$y = np.zeros((6, 6), int); $y[1:4, 1:4] = 1\n$x = measure.regionprops($y)\n$d = morphology.disk(2)",
        "print([(r.area, r.bbox, r.centroid) for r in $x], $d.sum())",
        needs=("skimage",),
    ),
    Case(
        "wordcloud",
        "a cloud",
        "from wordcloud import WordCloud\n$x = WordCloud(width=60, height=40, random_state=1).generate('a bb bb ccc ccc ccc')",
        "print(sorted($x.words_.items()), $x.to_array().shape, $x.to_array().sum())",
        needs=("wordcloud",),
    ),
    Case(
        "ipywidgets",
        "a slider in a box",
        "import ipywidgets as w\n$x = w.IntSlider(3, 0, 9)\n$b = w.VBox([$x]); $n = [1]",
        "print($n)\nprint($x.value)",
        outcome="placeholder",
        why="it is tied to its counterpart in the front end",
        needs=("ipywidgets",),
    ),
    Case(
        "tqdm",
        "a bar, closed and under way",
        "import io, tqdm\n$x = tqdm.tqdm(range(5), file=io.StringIO()); _ = [0 for _ in $x]\n$n = [1]",
        "print($n)\nprint($x.n, $x.total)",
        outcome="placeholder",
        why="it measures time and writes to a terminal that is gone",
        needs=("tqdm",),
    ),
]
